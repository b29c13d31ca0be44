import type { Output } from "./output.js";

/** Exit code of a run that was interrupted after saving. */
export const INTERRUPTED = 130;

/** A terminal and a program that runs this one, such as npm, may both pass on one press of a key. */
const SAME_SIGNAL_MS = 500;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** mpirun passes on SIGUSR2 and gives time to save, which for the others it does not. */
export const SIGNALS_OF_RANKS = [...SIGNALS, "SIGUSR2"] as const;

/**
 * Runs what can be interrupted: the first SIGINT or SIGTERM aborts the signal, the second ends the process at once.
 *
 * @param output  told when a signal has been heard
 * @param beforeExit  runs before the process ends at once
 * @param options.signals  which ones, in place of SIGINT and SIGTERM
 */
export async function interruptible<T>(
  output: Output,
  beforeExit: () => void,
  run: (signal: AbortSignal) => Promise<T>,
  { signals = SIGNALS }: { signals?: readonly NodeJS.Signals[] } = {},
): Promise<T> {
  const stop = new AbortController();
  let stoppedAt = Number.POSITIVE_INFINITY;
  const letGo = () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) {
      if (performance.now() - stoppedAt < SAME_SIGNAL_MS) return;
      beforeExit();
      letGo();
      // An exit would wait for reads that are going on, and those of a disk that does not answer never end.
      process.kill(process.pid, signal);
      process.exit(INTERRUPTED);
    }
    output.note("stopping after this step; once more to stop at once");
    stoppedAt = performance.now();
    stop.abort();
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    return await run(stop.signal);
  } finally {
    letGo();
  }
}
