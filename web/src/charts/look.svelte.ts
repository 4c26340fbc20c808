import { MediaQuery } from "svelte/reactivity";

/** The colours of a chart. */
export interface Look {
  ink: string;
  grid: string;
  stale: string;
  lines: readonly string[];
}

const dark = new MediaQuery("prefers-color-scheme: dark");
const COLOURS = 10;

/** The name of the colour of a line in the page's style. */
export function lineColour(place: number): string {
  return `--line-${(place % COLOURS) + 1}`;
}

/** The page's colours, as a canvas takes them; read again when the scheme changes. */
export function lookOf(element: HTMLElement): Look {
  void dark.current;
  const colour = (name: string) => resolved(element, `var(${name})`);
  return {
    ink: colour("--muted"),
    grid: colour("--grid"),
    stale: colour("--stale"),
    lines: Array.from({ length: COLOURS }, (_, place) => colour(lineColour(place))),
  };
}

/** A canvas knows no light-dark(): have the element compute the colour. */
export function resolved(element: HTMLElement, value: string): string {
  element.style.color = value;
  const { color } = getComputedStyle(element);
  element.style.color = "";
  return color;
}
