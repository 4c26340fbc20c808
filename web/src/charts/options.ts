import uPlot from "uplot";
import type { Interval, Series } from "./series.ts";

export interface Look {
  ink: string;
  grid: string;
  stale: string;
  lines: readonly string[];
}

export interface ChartOptions {
  series: readonly Series[];
  stale: readonly Interval[];
  timeZone: string;
  formatting: string;
  look: Look;
  width: number;
  height: number;
  /** A range was chosen by dragging. */
  select?: ((interval: Interval) => void) | undefined;
  /** The index of the times that the pointer is at, or null. */
  hover?: ((index: number | null) => void) | undefined;
}

/** As every chart is drawn: lines with bands, gaps left open, times in the zone. */
export function uplotOptions(options: ChartOptions): uPlot.Options {
  const { look, series, width, height } = options;
  return {
    width,
    height,
    legend: { show: false },
    cursor: { drag: { x: options.select !== undefined, y: false, setScale: false } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), options.timeZone),
    axes: [timeAxis(options), valueAxis(options)],
    series: [{}, ...series.flatMap((_, index) => lineAndEdges(colourOf(look, index)))],
    bands: series.map((_, index) => ({
      series: [3 * index + 2, 3 * index + 3],
      fill: withAlpha(colourOf(look, index), 0.18),
    })),
    hooks: {
      drawClear: [(plot) => shade(plot, options.stale, look.stale)],
      setSelect: [(plot) => report(plot, options.select)],
      setCursor: [(plot) => options.hover?.(plot.cursor.idx ?? null)],
    },
  };
}

export function colourOf(look: Look, index: number): string {
  return look.lines[index % look.lines.length] ?? look.ink;
}

function withAlpha(colour: string, alpha: number): string {
  return `color-mix(in srgb, ${colour} ${100 * alpha}%, transparent)`;
}

function lineAndEdges(colour: string): uPlot.Series[] {
  const edge = { stroke: "transparent", points: { show: false }, spanGaps: false };
  return [{ stroke: colour, width: 2, spanGaps: false }, edge, { ...edge }];
}

function timeAxis({ look, formatting, timeZone }: ChartOptions): uPlot.Axis {
  const written = (style: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(formatting, { ...style, timeZone });
  const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone });
  const [seconds, minutes, days, months] = [
    written({ timeStyle: "medium" }),
    written({ hour: "2-digit", minute: "2-digit" }),
    written({ day: "numeric", month: "short" }),
    written({ month: "short", year: "numeric" }),
  ];
  return {
    stroke: look.ink,
    grid: { stroke: look.grid, width: 1 },
    ticks: { stroke: look.grid, width: 1 },
    space: 70,
    values: (_plot, moments, _axis, _space, step) => {
      const format =
        step < 60 ? seconds : step < 86_400 ? minutes : step < 2_419_200 ? days : months;
      return moments.map((moment) => {
        const date = new Date(moment * 1000);
        const beginsDay = step < 86_400 && clock.format(date) === "00:00";
        return (beginsDay ? days : format).format(date);
      });
    },
  };
}

function valueAxis({ look, formatting }: ChartOptions): uPlot.Axis {
  const number = new Intl.NumberFormat(formatting, { maximumSignificantDigits: 6 });
  return {
    stroke: look.ink,
    grid: { stroke: look.grid, width: 1 },
    ticks: { stroke: look.grid, width: 1 },
    size: (plot, values) => widest(plot, values ?? []) + 18,
    values: (_plot, values) => values.map((value) => number.format(value)),
  };
}

function widest(plot: uPlot, texts: readonly string[]): number {
  const widths = texts.map((text) => plot.ctx.measureText(text).width / devicePixelRatio);
  return Math.max(24, ...widths);
}

function shade(plot: uPlot, intervals: readonly Interval[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colour;
  for (const { from, to } of intervals) {
    const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
    if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

function report(plot: uPlot, select: ChartOptions["select"]): void {
  const { left, width } = plot.select;
  if (select === undefined || width < 4) return;
  select({ from: plot.posToVal(left, "x"), to: plot.posToVal(left + width, "x") });
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}
