/** Clocks of pages tick every tenth of a millisecond, of some browsers every whole one: a timing lasts for many ticks. */
const TIMING_MS = 10;
const WARM_UP_MS = 50;
const BUDGET_MS = 200;
const TIMINGS = { least: 3, most: 20 } as const;

/**
 * Times a function once it is warm.
 *
 * @param now  a clock in milliseconds
 * @returns milliseconds per call, each number the mean of as many calls as fill ten milliseconds
 */
export function timeCalls(call: () => void, now: () => number = () => performance.now()): number[] {
  const begin = now();
  let calls = 0;
  let spent = 0;
  for (; calls === 0 || spent < WARM_UP_MS; spent = now() - begin) {
    call();
    calls++;
  }
  const perTiming = Math.max(1, Math.ceil((TIMING_MS * calls) / spent));
  const lasts = (perTiming * spent) / calls;
  const timings = Math.min(TIMINGS.most, Math.max(TIMINGS.least, Math.floor(BUDGET_MS / lasts)));
  return Array.from({ length: timings }, () => {
    const start = now();
    for (let i = 0; i < perTiming; i++) call();
    return (now() - start) / perTiming;
  });
}
