/** What pointers do on a chart, in pixels from its left edge. */
export interface Gestures {
  /** At rest, or being moved; null when the pointer has left. */
  point: (left: number | null) => void;
  /** A stretch is being marked; null when that is given up. */
  mark: (stretch: [left: number, right: number] | null) => void;
  /** A stretch was marked. */
  select: (left: number, right: number) => void;
  /** Moved by so many pixels, and made so many times wider about a place. */
  move: (pixels: number, factor: number, about: number) => void;
  /** Moving has ended. */
  settle: () => void;
  /** Pressed twice. */
  reset: () => void;
}

export interface Allowed {
  select: boolean;
  move: boolean;
}

/** Shorter ones are clicks. */
const SHORTEST_STRETCH = 6;
const WHEEL_SETTLES_AFTER = 250;
const LINE_HEIGHT = 16;

/**
 * Mouse and one finger: dragging marks a stretch, with Shift it moves. Two fingers move and pinch.
 * A wheel moves sideways, and with Ctrl (which is what pinching a touchpad is) widens; up and down
 * it is left to the page.
 */
export function readGestures(
  target: HTMLElement,
  gestures: Gestures,
  allowed: Allowed,
): () => void {
  const reader = new PointerReader(target, gestures, allowed);
  const stop = new AbortController();
  const { signal } = stop;
  target.addEventListener("pointerdown", (event) => reader.down(event), { signal });
  target.addEventListener("pointermove", (event) => reader.moved(event), { signal });
  target.addEventListener("pointerup", (event) => reader.up(event), { signal });
  target.addEventListener("pointercancel", (event) => reader.cancel(event), { signal });
  target.addEventListener("pointerleave", (event) => reader.leave(event), { signal });
  if (allowed.move) readWheel(target, gestures, signal);
  if (allowed.select) target.addEventListener("dblclick", gestures.reset, { signal });
  return () => stop.abort();
}

class PointerReader {
  /** Where each that is down is now. */
  readonly #down = new Map<number, number>();
  #doing: "nothing" | "marking" | "moving" = "nothing";
  #start = 0;

  constructor(
    readonly target: HTMLElement,
    readonly gestures: Gestures,
    readonly allowed: Allowed,
  ) {}

  down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const left = this.#left(event);
    this.#down.set(event.pointerId, left);
    this.target.setPointerCapture(event.pointerId);
    const moves = this.#down.size > 1 || event.shiftKey;
    if (this.#doing === "marking") this.gestures.mark(null);
    this.#doing = moves ? "moving" : "marking";
    this.#start = left;
  }

  moved(event: PointerEvent): void {
    const left = this.#left(event);
    if (!this.#down.has(event.pointerId)) this.gestures.point(left);
    else if (this.#doing === "marking") this.#mark(left);
    else if (this.#doing === "moving") this.#move(event.pointerId, left);
  }

  up(event: PointerEvent): void {
    if (!this.#down.delete(event.pointerId)) return;
    const left = this.#left(event);
    if (this.#doing === "marking") this.#finishMarking(left);
    else if (this.#doing === "moving" && this.allowed.move) this.gestures.settle();
    if (this.#down.size === 0) this.#doing = "nothing";
  }

  cancel(event: PointerEvent): void {
    this.#down.delete(event.pointerId);
    if (this.#doing === "marking") this.gestures.mark(null);
    if (this.#doing === "moving") this.gestures.settle();
    this.#doing = "nothing";
  }

  leave(event: PointerEvent): void {
    if (event.pointerType === "mouse" && this.#down.size === 0) this.gestures.point(null);
  }

  #move(pointer: number, left: number): void {
    const [widthBefore, centreBefore] = this.#spread();
    this.#down.set(pointer, left);
    const [width, centre] = this.#spread();
    const factor = widthBefore > 0 && width > 0 ? widthBefore / width : 1;
    if (this.allowed.move) this.gestures.move(centre - centreBefore, factor, centre);
  }

  #mark(left: number): void {
    this.gestures.point(left);
    if (this.allowed.select && this.#isStretch(left)) {
      this.gestures.mark([Math.min(this.#start, left), Math.max(this.#start, left)]);
    }
  }

  #finishMarking(left: number): void {
    this.gestures.mark(null);
    if (!this.#isStretch(left)) this.gestures.point(left);
    else if (this.allowed.select) {
      this.gestures.select(Math.min(this.#start, left), Math.max(this.#start, left));
    }
  }

  #isStretch(left: number): boolean {
    return Math.abs(left - this.#start) >= SHORTEST_STRETCH;
  }

  /** How far apart the pointers are, and where their middle is. */
  #spread(): [width: number, centre: number] {
    const all = [...this.#down.values()];
    const [least, most] = [Math.min(...all), Math.max(...all)];
    return [most - least, (least + most) / 2];
  }

  #left(event: PointerEvent): number {
    const { left, width } = this.target.getBoundingClientRect();
    return Math.max(0, Math.min(width, event.clientX - left));
  }
}

function readWheel(target: HTMLElement, gestures: Gestures, signal: AbortSignal): void {
  let timer: ReturnType<typeof setTimeout>;
  const turned = (event: WheelEvent) => {
    const scale = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_HEIGHT : 1;
    const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
    if (!event.ctrlKey && Math.abs(sideways) <= Math.abs(event.shiftKey ? 0 : event.deltaY)) return;
    event.preventDefault();
    const about = event.clientX - target.getBoundingClientRect().left;
    if (event.ctrlKey) gestures.move(0, Math.exp(event.deltaY * scale * 0.005), about);
    else gestures.move(-sideways * scale, 1, about);
    clearTimeout(timer);
    timer = setTimeout(gestures.settle, WHEEL_SETTLES_AFTER);
  };
  target.addEventListener("wheel", turned, { signal, passive: false });
  signal.addEventListener("abort", () => clearTimeout(timer));
}
