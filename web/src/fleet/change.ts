/** By what part a number differs from the one before; null where that says nothing. */
export function change(
  now: number | null | undefined,
  before: number | null | undefined,
): number | null {
  if (now == null || before == null || before === 0) return null;
  return (now - before) / Math.abs(before);
}
