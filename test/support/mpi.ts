import { spawn, spawnSync } from "node:child_process";
import { leaveOut, test } from "./test.js";

/** Open MPI lets root start ranks, and more of them than there are cores, when it is told so. */
const variables = {
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  OMPI_MCA_rmaps_base_oversubscribe: "1",
};

/** Why this host starts no ranks, or null. */
export function mpiProblem(): string | null {
  return spawnSync("mpirun", ["--version"]).status === 0
    ? null
    : "there is no mpirun on the PATH (Debian: openmpi-bin)";
}

const problem = mpiProblem();

/** Registers a test that starts ranks, which on a busy host take their time. */
export const mpiTest: typeof test = (name, fn, { timeoutMs = 120_000 } = {}) =>
  problem === null ? test(name, fn, { timeoutMs }) : leaveOut(name, problem);

/** What mpirun and its ranks did. */
export interface RanksRan {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningRanks {
  /** Of mpirun itself. */
  readonly pid: number;
  /** stderr so far. */
  readonly stderr: () => string;
  readonly done: Promise<RanksRan>;
}

export interface RanksOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of mpirun. */
  readonly options?: readonly string[];
  /** What starts mpirun, in place of nothing. */
  readonly before?: readonly string[];
}

/**
 * Starts a program on several ranks.
 *
 * @param command  the program and its arguments
 */
export function startRanks(
  ranks: number,
  command: readonly string[],
  { cwd, env, options = [], before = [] }: RanksOptions = {},
): RunningRanks {
  const [first, ...rest] = [...before, "mpirun", ...options, "-np", String(ranks), ...command];
  const child = spawn(first, rest, {
    cwd,
    env: { ...process.env, ...variables, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (chunk: string) => (text[name] += chunk));
  const done = new Promise<RanksRan>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...text }));
  });
  return { pid: child.pid!, stderr: () => text.stderr, done };
}
