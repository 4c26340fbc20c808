import { SvelteMap } from "svelte/reactivity";
import { type Key, keyOf, type Reject } from "./rejects.ts";

/** Rows of an import's rejects as somebody has mended them, until they are loaded. */
export class Mending {
  readonly rows = new SvelteMap<Key, string>();
  /** Those that were sent again and of which it is not known yet what became of them. */
  sent = $state.raw<readonly Reject[]>([]);

  textOf(reject: Reject): string {
    return this.rows.get(keyOf(reject)) ?? reject.row;
  }

  isMended(reject: Reject): boolean {
    return this.rows.has(keyOf(reject));
  }

  mend(reject: Reject, text: string): void {
    if (text === reject.row) this.rows.delete(keyOf(reject));
    else this.rows.set(keyOf(reject), text);
  }

  /** The mended ones among them, as mended, in their order. */
  mended(rejects: ReadonlyMap<Key, Reject>): Reject[] {
    const found = [...this.rows].flatMap(([key, row]) => {
      const reject = rejects.get(key);
      return reject === undefined ? [] : [{ ...reject, row }];
    });
    return found.sort((one, other) => one.line - other.line);
  }

  /** What was sent has ended, one way or the other. */
  settle(): void {
    for (const each of this.sent) this.rows.delete(keyOf(each));
    this.sent = [];
  }
}

/** By import: kept while other pages are shown. */
const begun = new Map<string, Mending>();

export function mendingOf(importId: string): Mending {
  const mending = begun.get(importId) ?? new Mending();
  begun.set(importId, mending);
  return mending;
}

addEventListener("beforeunload", (event) => {
  if ([...begun.values()].some(({ rows }) => rows.size > 0)) event.preventDefault();
});
