import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Look } from "./look.svelte.ts";
import { uplotOptions } from "./options.ts";
import { colourOf, paint, scaleOf, shade } from "./painting.ts";
import { at, nearest, seen } from "./search.ts";
import type { Interval, Track } from "./series.ts";
import { extent } from "./tracing.ts";

export interface PlotOptions {
  units: readonly (string | null)[];
  timeZone: string;
  formatting: string;
  look: Look;
  width: number;
  height: number;
}

/** A chart on the page. What it shows and how far it reaches changes without making it anew. */
export class Plot {
  readonly #plot: uPlot;
  readonly #look: Look;
  readonly #dots: HTMLElement[] = [];
  #tracks: readonly Track[] = [];
  #stale: readonly Interval[] = [];
  #shown: Interval = { from: 0, to: 1 };
  #moment: number | null = null;

  constructor(target: HTMLElement, options: PlotOptions) {
    this.#look = options.look;
    const painting = {
      extent: (unit: string | null) => this.#extent(unit),
      paintBelow: (plot: uPlot) => shade(plot, this.#stale, options.look.stale),
      paint: (plot: uPlot) => paint(plot, this.#tracks, options.look),
    };
    const nothing = [[0, 1], ...options.units.map(() => [null, null])] as uPlot.AlignedData;
    this.#plot = new uPlot(uplotOptions({ ...options, ...painting }), nothing, target);
  }

  /** The element over the area that is drawn on, which pointers meet. */
  get area(): HTMLElement {
    return this.#plot.over;
  }

  get canvas(): HTMLCanvasElement {
    return this.#plot.ctx.canvas;
  }

  get shown(): Interval {
    return this.#shown;
  }

  draw(tracks: readonly Track[], stale: readonly Interval[], shown: Interval): void {
    this.#tracks = tracks;
    this.#stale = stale;
    this.show(shown);
  }

  /** Draw another range of the same. */
  show({ from, to }: Interval): void {
    this.#shown = { from, to };
    this.#plot.setScale("x", { min: from, max: to });
    this.point(this.#moment);
  }

  resize(width: number, height: number): void {
    this.#plot.setSize({ width, height });
  }

  momentAt(left: number): number {
    return this.#plot.posToVal(left, "x");
  }

  /** Put the crosshair at a moment, with a dot on each line, or take it away. */
  point(moment: number | null): void {
    this.#moment = moment;
    // After uPlot has taken over the scales, which it does in a microtask.
    queueMicrotask(() => this.#drawCrosshair());
  }

  /** Mark what is being selected. */
  select({ from, to }: Interval): void {
    const [left, right] = [this.#plot.valToPos(from, "x"), this.#plot.valToPos(to, "x")];
    const height = this.#plot.over.clientHeight;
    this.#plot.setSelect({ left, top: 0, width: right - left, height }, false);
  }

  deselect(): void {
    this.#plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #extent(unit: string | null): [number, number] | null {
    const all = this.#tracks
      .filter((track) => track.unit === unit)
      .map((track) => extent(track, seen(track.times, this.#shown)))
      .filter((each) => each !== null);
    if (all.length === 0) return null;
    return [Math.min(...all.map(([low]) => low)), Math.max(...all.map(([, high]) => high))];
  }

  #drawCrosshair(): void {
    const plot = this.#plot;
    const { from, to } = this.#shown;
    const moment = this.#moment;
    const within = moment !== null && moment >= from && moment <= to;
    plot.setCursor(
      { left: within ? plot.valToPos(moment, "x") : -10, top: within ? 0 : -10 },
      false,
    );
    for (const [place, track] of this.#tracks.entries())
      this.#drawDot(this.#dot(place), track, within ? moment : null);
    for (const dot of this.#dots.slice(this.#tracks.length)) dot.hidden = true;
  }

  #drawDot(dot: HTMLElement, track: Track, moment: number | null): void {
    const index = moment === null ? null : nearest(track.times, moment);
    const value = index === null ? Number.NaN : at(track.values, index);
    const left = index === null ? -1 : this.#plot.valToPos(at(track.times, index), "x");
    dot.hidden = Number.isNaN(value) || left < 0 || left > this.#plot.over.clientWidth;
    if (dot.hidden) return;
    const top = this.#plot.valToPos(value, scaleOf(track.unit));
    dot.style.transform = `translate(${left}px, ${top}px)`;
    dot.style.background = colourOf(this.#look, track.colour);
  }

  #dot(place: number): HTMLElement {
    const made = this.#dots[place];
    if (made) return made;
    const dot = document.createElement("div");
    dot.className = "dot";
    this.#plot.over.append(dot);
    this.#dots[place] = dot;
    return dot;
  }
}
