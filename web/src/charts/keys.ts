/** What a key does on a chart that has the focus. */
export type KeyAction =
  | { kind: "step"; by: number }
  | { kind: "edge"; edge: "first" | "last" }
  | { kind: "pan"; part: number }
  | { kind: "zoom"; factor: number }
  | { kind: "reset" };

const LONG_STEP = 10;
/** The part of what is shown by which a key moves on. */
const PAN = 0.25;

const BY_KEY: Record<string, KeyAction> = {
  ArrowLeft: { kind: "step", by: -1 },
  ArrowRight: { kind: "step", by: 1 },
  ArrowDown: { kind: "step", by: -1 },
  ArrowUp: { kind: "step", by: 1 },
  PageDown: { kind: "step", by: -LONG_STEP },
  PageUp: { kind: "step", by: LONG_STEP },
  Home: { kind: "edge", edge: "first" },
  End: { kind: "edge", edge: "last" },
  "+": { kind: "zoom", factor: 0.5 },
  "=": { kind: "zoom", factor: 0.5 },
  "-": { kind: "zoom", factor: 2 },
  "0": { kind: "reset" },
};
const WITH_SHIFT: Record<string, KeyAction> = {
  ArrowLeft: { kind: "pan", part: -PAN },
  ArrowRight: { kind: "pan", part: PAN },
};

/** Null where the key is left to the page. */
export function actionOf(event: KeyboardEvent): KeyAction | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  return (event.shiftKey && WITH_SHIFT[event.key]) || BY_KEY[event.key] || null;
}
