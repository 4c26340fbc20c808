import { describe, expect, it } from "vitest";
import { shifted, widened } from "./intervals.ts";
import { actionOf } from "./keys.ts";
import { firstFrom, momentAfter, nearest, seen } from "./search.ts";
import { type Series, trackOf, unitsOf, wholeInterval } from "./series.ts";
import { BarLines, extent, type Pen, PenLines, traceBand, traceLine } from "./tracing.ts";

const IDENTITY = { x: (time: number) => time, y: (value: number) => value };

function track(values: (number | null)[], more: Partial<Series> = {}) {
  const times = values.map((_, index) => index);
  return trackOf({ label: "a", unit: null, times, values, ...more }, 0);
}

/** What was drawn: M begins a stretch, L goes on. */
class Recorder implements Pen {
  drawn = "";
  moveTo(x: number, y: number): void {
    this.drawn += ` M${x},${y}`;
  }
  lineTo(x: number, y: number): void {
    this.drawn += ` L${x},${y}`;
  }
}

describe("a line", () => {
  it("is drawn through its values", () => {
    const pen = new Recorder();
    expect(traceLine(new PenLines(pen), track([1, 3, 2]), [0, 3], IDENTITY)).toEqual([]);
    expect(pen.drawn).toBe(" M0,1 L1,3 L2,2");
  });

  it("is open where values are missing, and names those without a neighbour", () => {
    const pen = new Recorder();
    const values = [1, 3, null, 5, null, null, 7, 8, null, 9];
    expect(traceLine(new PenLines(pen), track(values), [0, 10], IDENTITY)).toEqual([3, 9]);
    expect(pen.drawn).toBe(" M0,1 L1,3 M3,5 M6,7 L7,8 M9,9");
  });

  it("is open where its times are too far apart", () => {
    const pen = new Recorder();
    const far = track([1, 2, 3, 4], { times: [0, 1, 5, 6], longestStep: 2 });
    traceLine(new PenLines(pen), far, [0, 4], IDENTITY);
    expect(pen.drawn).toBe(" M0,1 L1,2 M5,3 L6,4");
  });

  it("keeps the peaks of values that share a column of pixels", () => {
    const values = Array.from({ length: 1000 }, (_, index) => (index === 501 ? 99 : index % 7));
    const pen = new Recorder();
    traceLine(new PenLines(pen), track(values), [0, 1000], {
      ...IDENTITY,
      x: (time) => time / 100,
    });
    expect(pen.drawn).toContain("L5,99");
    expect(pen.drawn.split(" ").length).toBeLessThan(50);
  });
});

describe("a dense line", () => {
  it("is bars from the lowest to the highest of each column of pixels, without a seam", () => {
    const bars: number[][] = [];
    const values = [1, 5, 3, 9, 8, null, 2, 4];
    const sink = new BarLines((...bar) => bars.push(bar));
    traceLine(sink, track(values), [0, 8], { ...IDENTITY, x: (time) => Math.floor(time / 3) });
    expect(bars).toEqual([
      [0, 1, 5],
      [1, 3, 9],
      [2, 2, 4],
    ]);
  });
});

describe("a band", () => {
  const band = (minimum: (number | null)[], maximum: (number | null)[]) =>
    track(minimum, { minimum, maximum });

  it("is outlined forth above and back below, each stretch for itself", () => {
    const pen = new Recorder();
    traceBand(pen, band([1, 2, null, 4], [5, 6, null, 8]), [0, 4], IDENTITY);
    expect(pen.drawn).toBe(" M0,5 L1,6 L1,2 L0,1 M2,8 L4,8 L4,4 L2,4");
  });

  it("reaches over all that shares a column of pixels", () => {
    const pen = new Recorder();
    const down = { x: (time: number) => Math.floor(time / 2), y: (value: number) => -value };
    traceBand(pen, band([1, 0, 3, 2], [5, 9, 7, 8]), [0, 4], down);
    expect(pen.drawn).toBe(" M0,-9 L1,-8 L1,-2 L0,0");
  });

  it("widens the scale, gaps do not", () => {
    expect(extent(band([1, null, 0], [5, null, 3]), [0, 3])).toEqual([0, 5]);
    expect(extent(track([null, null]), [0, 2])).toBeNull();
  });
});

describe("times", () => {
  const times = Float64Array.from([10, 20, 30]);

  it.each([
    [5, 0, 0],
    [10, 0, 0],
    [16, 1, 1],
    [24, 2, 1],
    [99, 3, 2],
  ])("from %s begin at index %s, and that at %s is nearest", (moment, first, next) => {
    expect([firstFrom(times, moment), nearest(times, moment)]).toEqual([first, next]);
  });

  it("that are seen have one more on each side", () => {
    expect(seen(times, { from: 15, to: 25 })).toEqual([0, 3]);
    expect(seen(times, { from: 40, to: 50 })).toEqual([2, 3]);
    expect(nearest(new Float64Array(), 1)).toBeNull();
  });

  const lines = [{ times: new Float64Array() }, { times }];
  const all = { from: 0, to: 100 };
  it.each([
    [null, { kind: "step", by: -1 }, 30],
    [20, { kind: "step", by: -1 }, 10],
    [20, { kind: "step", by: 10 }, 30],
    [20, { kind: "edge", edge: "first" }, 10],
  ] as const)("are gone through by keys, from %s by %j to %s", (moment, step, then) => {
    expect(momentAfter(lines, all, moment, step)).toBe(then);
  });

  it("that are not shown are not gone to", () => {
    expect(momentAfter(lines, { from: 15, to: 25 }, 20, { kind: "step", by: 1 })).toBe(20);
    expect(momentAfter(lines, { from: 31, to: 40 }, null, { kind: "step", by: 1 })).toBeNull();
  });
});

describe("what is shown", () => {
  it("is moved and widened about a moment that stays", () => {
    expect(shifted({ from: 0, to: 100 }, -0.25)).toEqual({ from: -25, to: 75 });
    expect(widened({ from: 0, to: 100 }, 0.5)).toEqual({ from: 25, to: 75 });
    expect(widened({ from: 0, to: 100 }, 2, 100)).toEqual({ from: -100, to: 100 });
  });

  it("is all that there is if nothing else is said", () => {
    const one = { label: "a", unit: "bar", times: [3, 9], values: [1, 2] };
    const other = { ...one, unit: null, times: [1, 5] };
    expect(wholeInterval([one, other])).toEqual({ from: 1, to: 9 });
    expect(wholeInterval([{ ...one, times: [3] }])).toEqual({ from: 2, to: 4 });
    expect(wholeInterval([])).toEqual({ from: 0, to: 1 });
    expect(unitsOf([one, other, one])).toEqual(["bar", null]);
  });

  const key = (name: string, more = {}) =>
    ({
      key: name,
      shiftKey: false,
      ctrlKey: false,
      metaKey: false,
      altKey: false,
      ...more,
    }) as KeyboardEvent;
  it("answers keys, and leaves the page its own", () => {
    expect(actionOf(key("ArrowLeft"))).toEqual({ kind: "step", by: -1 });
    expect(actionOf(key("ArrowLeft", { shiftKey: true }))).toEqual({ kind: "pan", part: -0.25 });
    expect(actionOf(key("+", { shiftKey: true }))).toEqual({ kind: "zoom", factor: 0.5 });
    expect(actionOf(key("+", { ctrlKey: true }))).toBeNull();
    expect(actionOf(key("Tab"))).toBeNull();
  });
});
