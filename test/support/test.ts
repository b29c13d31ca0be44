import { suite } from "uvu";

const tests = suite("");
let scheduled = false;

/**
 * Registers a test with a time limit; the file's tests run once its top level has finished.
 *
 * @param name  the property that the test proves
 * @param fn  throws if the property does not hold
 * @param options.timeoutMs  limit in milliseconds; default 30,000
 */
export function test(name: string, fn: () => void | Promise<void>, { timeoutMs = 30_000 } = {}): void {
  tests(name, async () => {
    const start = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`timed out after ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      await Promise.race([fn(), limit]);
    } finally {
      clearTimeout(timer);
    }
    const elapsedMs = performance.now() - start; // a synchronous test blocks the timer, so its time is checked afterwards
    if (elapsedMs > timeoutMs) throw new Error(`took ${Math.round(elapsedMs)} ms, the limit is ${timeoutMs} ms`);
  });
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => tests.run());
}

/**
 * Says that a property cannot be proved on this host; the runner repeats it.
 *
 * @param name  the property
 * @param reason  what is missing
 */
export function leaveOut(name: string, reason: string): void {
  console.log(`left out: ${name}: ${reason}`);
}
