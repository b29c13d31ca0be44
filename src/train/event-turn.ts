const EVERY_MS = 50;

/**
 * Images that are in memory are awaited without a turn of the host's event loop, and without one neither timers nor signals are
 * heard. The returned function takes such a turn when the last one is long enough ago; await it between steps.
 */
export function eventTurns(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < EVERY_MS) return;
    await new Promise((resolve) => setTimeout(resolve));
    last = performance.now();
  };
}
