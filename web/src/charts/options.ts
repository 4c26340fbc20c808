import uPlot from "uplot";
import { clockIn } from "../time/zones.ts";
import type { Look } from "./look.svelte.ts";
import { scaleOf } from "./painting.ts";

export interface ChartOptions {
  /** Each has a scale; the first an axis on the left, the second one on the right. */
  units: readonly (string | null)[];
  timeZone: string;
  formatting: string;
  look: Look;
  width: number;
  height: number;
  /** Lowest and highest of a unit in what is shown. */
  extent: (unit: string | null) => [number, number] | null;
  /** Below and above the grid. */
  paintBelow: (plot: uPlot) => void;
  paint: (plot: uPlot) => void;
}

/**
 * uPlot draws axes and grid, and knows the scales. What is drawn between them is painted by hooks:
 * series have times of their own, which uPlot's would share.
 */
export function uplotOptions(options: ChartOptions): uPlot.Options {
  const { width, height, units } = options;
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false }, bind: NO_LISTENERS },
    tzDate: clockIn(options.timeZone),
    scales: { x: { time: true, range: (_plot, min, max) => [min, max] }, ...valueScales(options) },
    axes: [
      timeAxis(options),
      ...units.slice(0, 2).map((unit, place) => valueAxis(options, unit, place)),
    ],
    series: [{}, ...units.map((unit) => ({ scale: scaleOf(unit) }))],
    hooks: { drawClear: [options.paintBelow], draw: [options.paint] },
  };
}

/** The gestures of all pointers are read elsewhere. */
const NO_LISTENERS: uPlot.Cursor.Bind = Object.fromEntries(
  ["mousedown", "mouseup", "click", "dblclick", "mousemove", "mouseleave", "mouseenter"].map(
    (name) => [name, () => null],
  ),
);

function valueScales({ units, extent }: ChartOptions): uPlot.Scales {
  const scale = (unit: string | null): uPlot.Scale => ({
    range: () => {
      const [low, high] = extent(unit) ?? [0, 1];
      return uPlot.rangeNum(low, high, 0.08, true);
    },
  });
  return Object.fromEntries(units.map((unit) => [scaleOf(unit), scale(unit)]));
}

function timeAxis({ look, formatting, timeZone }: ChartOptions): uPlot.Axis {
  const written = (style: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(formatting, { ...style, timeZone });
  const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone });
  const [fractions, seconds, minutes, days, months] = [
    written({ minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 }),
    written({ timeStyle: "medium" }),
    written({ hour: "2-digit", minute: "2-digit" }),
    written({ day: "numeric", month: "short" }),
    written({ month: "short", year: "numeric" }),
  ];
  const formatOf = (step: number) => {
    if (step < 1) return fractions;
    if (step < 60) return seconds;
    if (step < 86_400) return minutes;
    return step < 2_419_200 ? days : months;
  };
  return {
    stroke: look.ink,
    grid: { stroke: look.grid, width: 1 },
    ticks: { stroke: look.grid, width: 1 },
    space: 70,
    size: 34,
    values: (_plot, moments, _axis, _space, step) =>
      moments.map((moment) => {
        const date = new Date(moment * 1000);
        const beginsDay = step < 86_400 && step >= 60 && clock.format(date) === "00:00";
        return (beginsDay ? days : formatOf(step)).format(date);
      }),
  };
}

function valueAxis(
  { look, formatting, units }: ChartOptions,
  unit: string | null,
  place: number,
): uPlot.Axis {
  const number = new Intl.NumberFormat(formatting, { maximumSignificantDigits: 6 });
  return {
    scale: scaleOf(unit),
    side: place === 0 ? 3 : 1,
    stroke: look.ink,
    grid: { show: place === 0, stroke: look.grid, width: 1 },
    ticks: { stroke: look.grid, width: 1 },
    size: (plot, values) => widest(plot, values ?? []) + 18,
    values: (_plot, values) => values.map((value) => number.format(value)),
    ...(units.length > 1 && unit !== null ? { label: unit, labelSize: 20, labelGap: 0 } : {}),
  };
}

function widest(plot: uPlot, texts: readonly string[]): number {
  const widths = texts.map((text) => plot.ctx.measureText(text).width / devicePixelRatio);
  return Math.max(24, ...widths);
}
