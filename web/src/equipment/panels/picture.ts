import { lookOf, resolved } from "../../charts/look.svelte.ts";
import { saveFile } from "./saving.ts";

/** A chart with what it takes to be understood elsewhere. */
export interface Picture {
  chart: HTMLCanvasElement;
  title: string;
  subtitle: string;
  legend: readonly LegendEntry[];
}

export interface LegendEntry {
  name: string;
  /** Its place among the colours of lines. */
  colour: number;
  isDashed: boolean;
}

export interface PlacedEntry extends LegendEntry {
  left: number;
  line: number;
}

const MARGIN = 16;
const TITLE_SIZE = 18;
const TEXT_SIZE = 13;
const LINE_HEIGHT = 20;
const KEY_WIDTH = 18;
const GAP = 16;

/** The entries one behind the other, in as many lines as the width takes. */
export function placeEntries(
  entries: readonly LegendEntry[],
  width: number,
  widthOf: (text: string) => number,
): PlacedEntry[] {
  let [left, line] = [0, 0];
  return entries.map((entry) => {
    const entryWidth = KEY_WIDTH + 6 + widthOf(entry.name);
    if (left > 0 && left + entryWidth > width) [left, line] = [0, line + 1];
    const placed = { ...entry, left, line };
    left += entryWidth + GAP;
    return placed;
  });
}

/** What a file of it is called. */
export function pictureName({ title, subtitle }: Picture): string {
  return `${`${title} ${subtitle}`.replaceAll(/[^\p{L}\p{N}.,()–+ -]+/gu, "-").slice(0, 120)}.png`;
}

/** Have the browser save it, in the colours of an element of the page. */
export async function savePicture(picture: Picture, element: HTMLElement): Promise<void> {
  const blob = await new Promise<Blob | null>((resolve) =>
    painted(picture, element).toBlob(resolve),
  );
  if (blob === null) throw new Error("the browser could not encode the picture");
  const address = URL.createObjectURL(blob);
  saveFile(address, pictureName(picture));
  URL.revokeObjectURL(address);
}

function painted(picture: Picture, element: HTMLElement): HTMLCanvasElement {
  const { chart, legend } = picture;
  const width = chart.width / devicePixelRatio;
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("the browser draws no pictures");
  const font = getComputedStyle(element).fontFamily;
  context.font = `${TEXT_SIZE}px ${font}`;
  const entries = placeEntries(legend, width, (text) => context.measureText(text).width);
  const legendTop = MARGIN + TITLE_SIZE + LINE_HEIGHT + 14;
  const chartTop = legendTop + ((entries.at(-1)?.line ?? 0) + 1) * LINE_HEIGHT;
  canvas.width = chart.width + 2 * MARGIN * devicePixelRatio;
  canvas.height = chart.height + (chartTop + MARGIN) * devicePixelRatio;
  context.scale(devicePixelRatio, devicePixelRatio);
  const colours = coloursOf(element);
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  paintTitle(context, picture, { width, font, ...colours });
  for (const entry of entries) {
    const colour = colours.lines[entry.colour % colours.lines.length] ?? colours.ink;
    paintEntry(context, entry, { top: legendTop, colour, ink: colours.ink });
  }
  context.drawImage(chart, MARGIN, chartTop, width, chart.height / devicePixelRatio);
  return canvas;
}

interface TitleLook {
  width: number;
  font: string;
  ink: string;
  muted: string;
}

function paintTitle(
  context: CanvasRenderingContext2D,
  { title, subtitle }: Picture,
  { width, font, ink, muted }: TitleLook,
): void {
  context.textBaseline = "top";
  context.font = `600 ${TITLE_SIZE}px ${font}`;
  context.fillStyle = ink;
  context.fillText(title, MARGIN, MARGIN, width);
  context.font = `${TEXT_SIZE}px ${font}`;
  context.fillStyle = muted;
  context.fillText(subtitle, MARGIN, MARGIN + TITLE_SIZE + 6, width);
}

function paintEntry(
  context: CanvasRenderingContext2D,
  { name, left, line, isDashed }: PlacedEntry,
  { top, colour, ink }: { top: number; colour: string; ink: string },
): void {
  const [x, y] = [MARGIN + left, top + line * LINE_HEIGHT];
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.setLineDash(isDashed ? [5, 4] : []);
  context.beginPath();
  context.moveTo(x, y + TEXT_SIZE / 2);
  context.lineTo(x + KEY_WIDTH, y + TEXT_SIZE / 2);
  context.stroke();
  context.fillStyle = ink;
  context.fillText(name, x + KEY_WIDTH + 6, y);
}

function coloursOf(element: HTMLElement) {
  const { ink: muted, lines } = lookOf(element);
  const colour = (name: string) => resolved(element, `var(${name})`);
  return { ink: colour("--ink"), muted, paper: colour("--paper"), lines };
}
