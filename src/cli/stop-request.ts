import type { Output } from "./output.js";

/** Exit code of work that was interrupted after saving. */
export const INTERRUPTED = 130;

/** A terminal and a program that runs this one, such as npm, may both pass on one press of a key. */
const SAME_SIGNAL_MS = 500;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Hears SIGINT and SIGTERM while work is done in steps: the first one asks it to stop after its step, the second ends the
 * process at once.
 */
export class StopRequest {
  private readonly controller = new AbortController();
  private readonly output: Output;
  private readonly beforeExit: () => void;
  private stoppedAt = Number.POSITIVE_INFINITY;

  /** @param beforeExit  what must be done before the process ends at once */
  constructor(output: Output, beforeExit: () => void = () => {}) {
    this.output = output;
    this.beforeExit = beforeExit;
    for (const signal of SIGNALS) process.on(signal, this.hear);
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Leaves signals to the host again. */
  close(): void {
    for (const signal of SIGNALS) process.off(signal, this.hear);
  }

  private readonly hear = (): void => {
    if (this.signal.aborted) {
      if (performance.now() - this.stoppedAt < SAME_SIGNAL_MS) return;
      this.beforeExit();
      process.exit(INTERRUPTED);
    }
    this.output.note("stopping after this step; once more to stop at once");
    this.stoppedAt = performance.now();
    this.controller.abort();
  };
}
