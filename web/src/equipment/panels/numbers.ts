/** A number as somebody of that country writes it; null where it is none. */
export function parseNumber(text: string, formatting: string): number | null {
  const decimal = separator(1.5, "decimal", formatting);
  const group = separator(10_000.5, "group", formatting);
  const plain = text
    .trim()
    .replaceAll(group || " ", "")
    .replace(decimal, ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : null;
}

/** All digits, without groups: as a cell of a spreadsheet of that country takes it. */
export function cellText(value: number | null | undefined, formatting: string): string {
  if (value == null) return "";
  const decimal = separator(1.5, "decimal", formatting);
  return String(value).replace(".", decimal);
}

function separator(example: number, kind: "decimal" | "group", formatting: string): string {
  const parts = new Intl.NumberFormat(formatting, { useGrouping: true }).formatToParts(example);
  return parts.find(({ type }) => type === kind)?.value ?? "";
}
