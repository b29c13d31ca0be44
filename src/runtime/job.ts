/** Most threads of one runtime, the calling one included. */
export const MOST_THREADS = 64;

/** Parts that a call is divided into, per thread: enough that a thread which comes late costs little. */
export const PARTS_PER_THREAD = 4;

const MOST_PARTS = MOST_THREADS * PARTS_PER_THREAD;
const MOST_ARGS = 32;

/**
 * Places in the memory that threads speak through, in 32-bit words. What several threads write lies 128 bytes apart, so
 * that no core waits for a line that holds something else.
 */
export const word = {
  /** Parts that nobody has taken. Whoever lowers a positive number has taken the part before it. */
  left: 0,
  /** Parts that are done. */
  done: 32,
  /** Counts calls; waiting threads sleep on it. */
  call: 64,
  /** Threads that sleep, or are about to. */
  asleep: 96,
  /** 1 while the calling thread sleeps until parts are done. */
  joining: 128,
  /** 1 once a part has failed. */
  failed: 160,
  /** Length of the failure's text, in 16-bit units. */
  textLength: 161,
  /** The kernel, by its place in the module. */
  kernel: 192,
  /** Where each part begins, and behind the last where it ends. */
  bounds: 193,
} as const;

/** Where the arguments of the call begin, in 64-bit words. */
export const ARGS_AT = Math.ceil((word.bounds + MOST_PARTS + 1) / 16) * 8;

/** Where the text of a failure begins, in 16-bit units, and how long it may be. */
export const TEXT_AT = 4 * (ARGS_AT + MOST_ARGS);
export const MOST_TEXT = 2048;

/** A call in shared memory. */
export class Job {
  readonly buffer = new SharedArrayBuffer(2 * (TEXT_AT + MOST_TEXT));
  readonly words = new Int32Array(this.buffer);
  readonly args = new Float64Array(this.buffer, 8 * ARGS_AT, MOST_ARGS);

  /** What a thread has written about a part that failed, once; null if none has. */
  takeFailure(): string | null {
    if (Atomics.load(this.words, word.failed) === 0) return null;
    const units = new Uint16Array(this.buffer, 2 * TEXT_AT, this.words[word.textLength]);
    Atomics.store(this.words, word.failed, 0);
    return String.fromCharCode(...units);
  }
}
