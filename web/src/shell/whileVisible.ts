/**
 * Run a task at once and then at this interval after its end, as long as the page is seen; abandon
 * it when it is not. Returns how to stop.
 */
export function whileVisible(
  seconds: number,
  task: () => Promise<void>,
  abandon: () => void,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let stopped = false;
  const run = async () => {
    clearTimeout(timer);
    if (running || stopped || document.hidden) return;
    running = true;
    await task().finally(() => {
      running = false;
    });
    if (!stopped) timer = setTimeout(run, seconds * 1000);
  };
  const look = () => (document.hidden ? abandon() : void run());
  document.addEventListener("visibilitychange", look);
  look();
  return () => {
    stopped = true;
    clearTimeout(timer);
    abandon();
    document.removeEventListener("visibilitychange", look);
  };
}
