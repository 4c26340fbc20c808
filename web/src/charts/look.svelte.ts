import { MediaQuery } from "svelte/reactivity";
import type { Look } from "./options.ts";

const dark = new MediaQuery("prefers-color-scheme: dark");
const LINES = ["--line-1", "--line-2", "--line-3", "--line-4", "--line-5", "--line-6"];

/** The page's colours, as a canvas takes them; read again when the scheme changes. */
export function lookOf(element: HTMLElement): Look {
  void dark.current;
  const colour = (name: string) => resolved(element, `var(${name})`);
  return {
    ink: colour("--muted"),
    grid: colour("--grid"),
    stale: colour("--stale"),
    lines: LINES.map(colour),
  };
}

/** A canvas knows no light-dark(): have the element compute the colour. */
function resolved(element: HTMLElement, value: string): string {
  element.style.color = value;
  const { color } = getComputedStyle(element);
  element.style.color = "";
  return color;
}
