import { ConfigError, DataError, FormatError, MemoryError, NumericError, PoaError, ResourceError } from "../errors.js";
import type { Output } from "./output.js";

const exitCodes: readonly [new (message: string) => Error, number][] = [
  [ConfigError, 2],
  [DataError, 3],
  [FormatError, 3],
  [NumericError, 4],
  [ResourceError, 5],
  [MemoryError, 5],
];

const FAILED = 1;

/** What an error of another thread brings along in its message. */
const STACK = /\n\s+at [\s\S]*/;

/** Exit codes of what the host answers when a resource has run out, wherever it happens. */
const HOST_ERRORS: ReadonlyMap<string, number> = new Map(
  ["ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "ENOMEM"].map((code) => [code, 5]),
);

/**
 * Says what has gone wrong.
 *
 * @param options.debug  with a stack trace
 * @returns the exit code
 */
export function tellFailure(error: unknown, output: Output, { debug }: { debug: boolean }): number {
  const { message, code, stack }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
  const known = error instanceof PoaError || HOST_ERRORS.has(code ?? "");
  output.error(known ? message : `${message.replace(STACK, "")} (unexpected; --debug shows where)`);
  output.event("error", { message });
  if (debug) process.stderr.write(`${stack}\n`);
  return exitCodes.find(([kind]) => error instanceof kind)?.[1] ?? HOST_ERRORS.get(code ?? "") ?? FAILED;
}
