import { session } from "../../session/session.svelte.ts";

/** Files of this visit that wait for their preview, whichever page is shown. */
class PreviewQueue {
  files = $state.raw<readonly File[]>([]);

  constructor() {
    $effect.root(() => {
      $effect(() => {
        if (session.state.kind === "signedOut") this.files = [];
      });
    });
  }

  add(files: readonly File[]): void {
    this.files = [...this.files, ...files];
  }

  /** The first of them, or all, which wait no longer. */
  take(count: number): readonly File[] {
    const taken = this.files.slice(0, count);
    this.files = this.files.slice(count);
    return taken;
  }
}

export const previewQueue = new PreviewQueue();
