import type uPlot from "uplot";
import type { Look } from "./look.svelte.ts";
import { at, seen } from "./search.ts";
import type { Interval, Track } from "./series.ts";
import {
  BarLines,
  type Indices,
  PenLines,
  type Projection,
  type Sink,
  traceBand,
  traceLine,
} from "./tracing.ts";

/** Points are marked where each has so many pixels of the width. */
const ROOM_OF_POINT = 12;
/** With so many values in each column of pixels a line is drawn as bars. */
const DENSE = 2;

export function colourOf(look: Look, index: number): string {
  return look.lines[index % look.lines.length] ?? look.ink;
}

/** The key of the scale of a unit. */
export function scaleOf(unit: string | null): string {
  return `unit ${unit ?? ""}`;
}

/** Bands first, so that no line is below one. */
export function paint(plot: uPlot, tracks: readonly Track[], look: Look): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const track of tracks) paintBand(plot, track, look);
  for (const track of tracks) paintLine(plot, track, look);
  ctx.restore();
}

export function shade(plot: uPlot, intervals: readonly Interval[], colour: string): void {
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

function paintBand(plot: uPlot, track: Track, look: Look): void {
  const path = new Path2D();
  traceBand(path, track, seen(track.times, shownBy(plot)), projection(plot, track));
  plot.ctx.globalAlpha = 0.18;
  plot.ctx.fillStyle = colourOf(look, track.colour);
  plot.ctx.fill(path);
  plot.ctx.globalAlpha = 1;
}

function paintLine(plot: uPlot, track: Track, look: Look): void {
  const { ctx } = plot;
  const indices = seen(track.times, shownBy(plot));
  const project = projection(plot, track);
  ctx.strokeStyle = ctx.fillStyle = colourOf(look, track.colour);
  const width = Math.max(1, Math.round((track.dashed ? 1.5 : 2) * devicePixelRatio));
  const isDense = indices[1] - indices[0] > DENSE * plot.bbox.width;
  const draw = isDense ? paintBars : strokePath;
  const alone = draw(ctx, width, (sink) => traceLine(sink, track, indices, project), track.dashed);
  paintPoints(ctx, track, marked(plot, track, indices) ?? alone, project);
}

type Trace = (sink: Sink) => number[];

function strokePath(
  ctx: CanvasRenderingContext2D,
  width: number,
  trace: Trace,
  dashed: boolean,
): number[] {
  const path = new Path2D();
  const alone = trace(new PenLines(path));
  ctx.lineWidth = width;
  ctx.lineJoin = "round";
  ctx.setLineDash(dashed ? [6 * devicePixelRatio, 4 * devicePixelRatio] : []);
  ctx.stroke(path);
  return alone;
}

function paintBars(ctx: CanvasRenderingContext2D, width: number, trace: Trace): number[] {
  return trace(
    new BarLines((x, top, bottom) => {
      const [from, to] = [Math.floor(top - width / 2), Math.ceil(bottom + width / 2)];
      ctx.fillRect(x - (width >> 1), from, width, to - from);
    }),
  );
}

/** All that are seen where there is room for them; else null. */
function marked(plot: uPlot, track: Track, [first, end]: Indices): number[] | null {
  const room = plot.bbox.width / devicePixelRatio / ROOM_OF_POINT;
  if (!track.points || end - first > room) return null;
  return Array.from({ length: end - first }, (_, place) => first + place);
}

function paintPoints(
  ctx: CanvasRenderingContext2D,
  track: Track,
  indices: readonly number[],
  { x, y }: Projection,
): void {
  const radius = 2.5 * devicePixelRatio;
  ctx.beginPath();
  for (const index of indices) {
    const [left, top] = [x(at(track.times, index)), y(at(track.values, index))];
    ctx.moveTo(left + radius, top);
    ctx.arc(left, top, radius, 0, 2 * Math.PI);
  }
  ctx.fill();
}

function shownBy(plot: uPlot): Interval {
  const { min, max } = plot.scales.x ?? {};
  return { from: min ?? 0, to: max ?? 1 };
}

/** The scales are linear; a product and a sum are faster than asking uPlot for each value. */
function projection(plot: uPlot, track: Track): Projection {
  const { bbox } = plot;
  const { from, to } = shownBy(plot);
  const { min = 0, max = 1 } = plot.scales[scaleOf(track.unit)] ?? {};
  const perSecond = bbox.width / (to - from);
  const perUnit = bbox.height / (max - min);
  return {
    x: (time) => bbox.left + (time - from) * perSecond,
    y: (value) => bbox.top + (max - value) * perUnit,
  };
}
