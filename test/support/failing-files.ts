import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** Calls that change the disk or read from it. Reading back counts, since a disk may fail there too. */
const watched = [
  "appendFileSync",
  "closeSync",
  "fsyncSync",
  "mkdirSync",
  "openSync",
  "readFileSync",
  "readSync",
  "readdirSync",
  "renameSync",
  "rmSync",
  "statSync",
  "statfsSync",
  "unlinkSync",
  "writeFileSync",
  "writeSync",
] as const;

type AnyCall = (...args: unknown[]) => unknown;

export interface Outcome {
  /** What fn threw; undefined if it did not. */
  readonly thrown: unknown;
  /** Whether the call that was to fail was reached. */
  readonly reached: boolean;
}

export interface Failure {
  /** What the call fails with. Default EIO. */
  readonly code?: string;
  /** Let all calls from the n-th on fail, as on a disk that has gone. */
  readonly from?: boolean;
}

/** Runs fn while one file-system call fails: the n-th, from 1. */
export function withFailingCall(n: number, fn: () => void, failure: Failure = {}): Outcome {
  const failing = failCall(n, failure);
  try {
    fn();
    return { thrown: undefined, reached: failing.reached() };
  } catch (thrown) {
    return { thrown, reached: failing.reached() };
  } finally {
    failing.restore();
  }
}

/** The same for what takes several turns of the event loop. */
export async function whileCallFails(n: number, fn: () => Promise<void>, failure: Failure = {}): Promise<Outcome> {
  const failing = failCall(n, failure);
  try {
    await fn();
    return { thrown: undefined, reached: failing.reached() };
  } catch (thrown) {
    return { thrown, reached: failing.reached() };
  } finally {
    failing.restore();
  }
}

function failCall(n: number, { code = "EIO", from = false }: Failure): { reached(): boolean; restore(): void } {
  const files = fs as unknown as Record<string, AnyCall>;
  const originals = new Map(watched.map((name) => [name, files[name]]));
  let count = 0;
  for (const [name, original] of originals) {
    files[name] = (...args) => {
      count++;
      if (from ? count < n : count !== n) return original(...args);
      if (name === "closeSync") original(...args); // the file is closed all the same
      throw Object.assign(new Error(`${code}: injected into call ${n}, ${name}`), { code });
    };
  }
  syncBuiltinESMExports();
  return {
    reached: () => count >= n,
    restore: () => {
      for (const [name, original] of originals) files[name] = original;
      syncBuiltinESMExports();
    },
  };
}
