import { ConfigError } from "../errors.js";
import { sharingProblem } from "./features.js";
import { coreCount, environment, workerProblem } from "./host-worker.js";
import { MOST_THREADS } from "./job.js";

/** Names the variable that says how many threads to use where nothing else does. */
export const THREADS_VARIABLE = "POA_THREADS";

/**
 * How many threads are wanted.
 *
 * @param threads  a number, "all" for as many as there are cores, or nothing: then POA_THREADS, else one
 * @throws ConfigError unless it is a whole number from 1 to 64 or "all"
 */
export function wantedThreads(threads?: number | "all"): number {
  const variable = threads === undefined ? environment(THREADS_VARIABLE) : undefined;
  const given = variable ? fromText(variable) : (threads ?? 1);
  if (given === "all") return Math.min(coreCount(), MOST_THREADS);
  if (Number.isInteger(given) && given >= 1 && given <= MOST_THREADS) return given;
  const what = variable ? `${THREADS_VARIABLE} is ${JSON.stringify(variable)}` : `threads is ${show(threads)}`;
  throw new ConfigError(`init: ${what}; expected a whole number from 1 on, at most ${MOST_THREADS}, or "all".`);
}

/** Why there can be only one thread here, or null. */
export function threadsProblem(): string | null {
  return sharingProblem() ?? workerProblem();
}

const fromText = (text: string) => (text === "all" ? "all" : /^\d+$/.test(text) ? Number(text) : Number.NaN);

const show = (value: unknown) => (typeof value === "string" ? JSON.stringify(value) : String(value));
