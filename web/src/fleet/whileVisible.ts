const PAUSE_MILLISECONDS = 30_000;
/** As many times as long as a reload took is waited for the next, so that it never takes most of the time. */
const PAUSES_PER_RELOAD = 20;

/** Reload about every half minute while the page is visible; returns what ends it. */
export function reloadWhileVisible(reload: () => Promise<unknown>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = false;

  function wait(milliseconds: number): void {
    timer = setTimeout(reloadIfVisible, milliseconds);
  }
  async function reloadIfVisible(): Promise<void> {
    due = document.hidden;
    if (due) return;
    const start = performance.now();
    await reload();
    if (timer !== undefined) {
      wait(Math.max(PAUSE_MILLISECONDS, PAUSES_PER_RELOAD * (performance.now() - start)));
    }
  }
  function comeBack(): void {
    if (due) reloadIfVisible();
  }

  document.addEventListener("visibilitychange", comeBack);
  wait(PAUSE_MILLISECONDS);
  return () => {
    clearTimeout(timer);
    timer = undefined;
    document.removeEventListener("visibilitychange", comeBack);
  };
}
