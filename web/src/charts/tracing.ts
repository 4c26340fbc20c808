import { at } from "./search.ts";
import type { Track } from "./series.ts";

/** What draws lines, such as a Path2D. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

/** From times and values to pixels. */
export interface Projection {
  x: (time: number) => number;
  y: (value: number) => number;
}

/** From the index `first` on and before `end`. */
export type Indices = readonly [first: number, end: number];

/** Takes the points of lines one after the other; what is between two lines is left open. */
export interface Sink {
  add(x: number, y: number): void;
  /** The line ends. */
  lift(): void;
}

/** Go along the lines through the values. Returns the indices of points without a neighbour. */
export function traceLine(
  sink: Sink,
  track: Track,
  [first, end]: Indices,
  { x, y }: Projection,
): number[] {
  const alone: number[] = [];
  let run = 0;
  for (let index = first; index < end; index++) {
    if (beginsRun(track, index)) {
      if (run === 1) alone.push(index - 1);
      sink.lift();
      run = 0;
    }
    const value = at(track.values, index);
    if (Number.isNaN(value)) continue;
    sink.add(Math.round(x(at(track.times, index))), y(value));
    run++;
  }
  sink.lift();
  if (run === 1) alone.push(end - 1);
  return alone;
}

/** Outline the band between minimum and maximum, each stretch without a gap for itself. */
export function traceBand(
  pen: Pen,
  track: Track,
  [first, end]: Indices,
  { x, y }: Projection,
): void {
  if (track.band === null) return;
  const { minimum, maximum } = track.band;
  const outline = new Outline(pen);
  for (let index = first; index < end; index++) {
    if (beginsRun(track, index)) outline.close();
    const [low, high] = [at(minimum, index), at(maximum, index)];
    if (Number.isNaN(low) || Number.isNaN(high)) outline.close();
    else outline.add(Math.round(x(at(track.times, index))), y(low), y(high));
  }
  outline.close();
}

/** Lowest and highest of what is drawn, or null where nothing is. */
export function extent(track: Track, [first, end]: Indices): [low: number, high: number] | null {
  const lows = track.band?.minimum ?? track.values;
  const highs = track.band?.maximum ?? track.values;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let index = first; index < end; index++) {
    const [least, most] = [at(lows, index), at(highs, index)];
    if (least < low) low = least;
    if (most > high) high = most;
  }
  return low <= high ? [low, high] : null;
}

/** Whether there is a gap before a value. */
function beginsRun({ times, values, longestStep }: Track, index: number): boolean {
  if (index === 0 || Number.isNaN(at(values, index))) return true;
  return at(times, index) - at(times, index - 1) > longestStep;
}

/**
 * Draws lines with a pen. Of the values in one column of pixels the first, the extremes and the last
 * are drawn, so that no peak is lost.
 */
export class PenLines implements Sink {
  #x = Number.NaN;
  #low = 0;
  #high = 0;
  #last = 0;

  constructor(readonly pen: Pen) {}

  add(x: number, y: number): void {
    if (x === this.#x) {
      this.#low = Math.min(this.#low, y);
      this.#high = Math.max(this.#high, y);
      this.#last = y;
      return;
    }
    const begun = !Number.isNaN(this.#x);
    this.#flush();
    if (begun) this.pen.lineTo(x, y);
    else this.pen.moveTo(x, y);
    this.#x = x;
    this.#low = this.#high = this.#last = y;
  }

  lift(): void {
    this.#flush();
    this.#x = Number.NaN;
  }

  #flush(): void {
    if (Number.isNaN(this.#x) || this.#low === this.#high) return;
    this.pen.lineTo(this.#x, this.#low);
    this.pen.lineTo(this.#x, this.#high);
    this.pen.lineTo(this.#x, this.#last);
  }
}

/**
 * Draws lines that have many points in each column of pixels as upright bars, each as far as where
 * the one before ended. They look the same and are filled many times faster than a pen draws.
 */
export class BarLines implements Sink {
  #x = Number.NaN;
  #low = 0;
  #high = 0;
  #last = 0;

  constructor(readonly bar: (x: number, top: number, bottom: number) => void) {}

  add(x: number, y: number): void {
    if (x !== this.#x) {
      const begun = !Number.isNaN(this.#x);
      this.#flush();
      this.#x = x;
      this.#low = this.#high = begun ? this.#last : y;
    }
    this.#low = Math.min(this.#low, y);
    this.#high = Math.max(this.#high, y);
    this.#last = y;
  }

  lift(): void {
    this.#flush();
    this.#x = Number.NaN;
  }

  #flush(): void {
    if (!Number.isNaN(this.#x)) this.bar(this.#x, this.#low, this.#high);
  }
}

/** A band's edges, one column of pixels after the other. */
class Outline {
  #xs: number[] = [];
  #lows: number[] = [];
  #highs: number[] = [];

  constructor(readonly pen: Pen) {}

  add(x: number, low: number, high: number): void {
    const last = this.#xs.length - 1;
    if (this.#xs[last] === x) {
      // Pixels are counted downwards: the lower value is the larger number.
      this.#lows[last] = Math.max(this.#lows[last] ?? low, low);
      this.#highs[last] = Math.min(this.#highs[last] ?? high, high);
      return;
    }
    this.#xs.push(x);
    this.#lows.push(low);
    this.#highs.push(high);
  }

  close(): void {
    const xs = this.#xs;
    // A single column has an area as well.
    const half = xs.length === 1 ? 1 : 0;
    for (const [place, x] of xs.entries()) {
      const y = this.#highs[place] as number;
      if (place === 0) this.pen.moveTo(x - half, y);
      else this.pen.lineTo(x, y);
      if (half) this.pen.lineTo(x + half, y);
    }
    for (let place = xs.length - 1; place >= 0; place--) {
      const [x, y] = [xs[place] as number, this.#lows[place] as number];
      if (half) this.pen.lineTo(x + half, y);
      this.pen.lineTo(x - half, y);
    }
    this.#xs = [];
    this.#lows = [];
    this.#highs = [];
  }
}
