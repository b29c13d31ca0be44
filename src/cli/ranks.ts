import { cpus } from "node:os";
import type { ImageSource } from "../data/dataset.js";
import { ConfigError } from "../errors.js";
import type { Config } from "../poa/config-keys.js";
import { decisiveSettings } from "../poa/decisive-settings.js";
import { alone, type Collective } from "../runtime/collective.js";
import { coreCount } from "../runtime/host-worker.js";
import { THREADS_VARIABLE } from "../runtime/threads.js";
import { imageTerms, type Terms } from "../train/agreement.js";
import type { MpiCollective } from "../train/mpi/mpi-collective.js";
import type { Trainer } from "../train/trainer.js";
import { follow } from "../train/turns.js";
import type { Call, Option } from "./command.js";
import { tellFailure } from "./failure.js";
import { INTERRUPTED, interruptible, SIGNALS_OF_RANKS } from "./interrupt.js";
import type { Output } from "./output.js";
import { version } from "./version.js";

/** Options of verbs that train on several ranks. */
export const rankOptions: Readonly<Record<string, Option>> = {
  distributed: { value: "mpi", about: "train with the other ranks that Open MPI has started; under mpirun not needed" },
  deterministic: { about: "add over ranks in their order, so that as many ranks give the same bits on any network" },
  "rank-timeout": { value: "SECONDS", fallback: "1800", about: "end if other ranks do not answer for so long" },
};

/** Set by mpirun: how many ranks there are, and how many of them on this host. */
const RANKS_VARIABLE = "OMPI_COMM_WORLD_SIZE";
const LOCAL_RANKS_VARIABLE = "OMPI_COMM_WORLD_LOCAL_SIZE";

/**
 * Trains with the other ranks, if there are any. A rank that fails ends all of them, with its exit code.
 *
 * @param train  on this rank; returns the exit code
 */
export async function acrossRanks(
  call: Call,
  output: Output,
  train: (ranks: Collective) => Promise<number>,
): Promise<number> {
  const ranks = await joinRanks(call);
  if (!ranks) return train(alone);
  if (ranks.rank > 0) output.followRank(ranks.rank);
  try {
    const code = await train(ranks);
    ranks.close();
    return code;
  } catch (error) {
    return ranks.abort(tellFailure(error, output, { debug: call.flag("debug") }));
  }
}

async function joinRanks(call: Call): Promise<MpiCollective | null> {
  const wanted = call.text("distributed");
  if (wanted !== undefined && wanted !== "mpi")
    throw new ConfigError(`--distributed is ${JSON.stringify(wanted)}, expected mpi.`);
  const timeoutMs = 1000 * call.integer("rank-timeout", 1)!;
  if (!wanted && !(Number(process.env[RANKS_VARIABLE]) > 1)) return null;
  // Only here, so that nobody else needs the package that calls it.
  const [{ joinOpenMpi }, { MpiCollective }] = await Promise.all([
    import("../train/mpi/open-mpi.js"),
    import("../train/mpi/mpi-collective.js"),
  ]);
  return new MpiCollective(await joinOpenMpi(), { deterministic: call.flag("deterministic"), timeoutMs });
}

/** Threads of this rank where nobody says how many: the cores of the host are divided among its ranks. */
export function rankThreads(call: Call, { size }: Collective): Call["threads"] {
  const said = call.text("threads") !== undefined || process.env[THREADS_VARIABLE];
  if (size === 1 || said) return call.threads;
  const localRanks = Number(process.env[LOCAL_RANKS_VARIABLE] ?? 1);
  return Math.max(1, Math.min(coreCount(), Math.floor(cpus().length / localRanks)));
}

/** What has to be the same on all ranks of a run. */
export function termsOfRun(call: Call, config: Config, source: ImageSource): Terms {
  return {
    version,
    "--simd": call.simd,
    "--deterministic": call.flag("deterministic"),
    ...imageTerms(source),
    ...decisiveSettings(config),
  };
}

/** Trains as rank 0 says, without files and without words. @returns the exit code */
export async function followTraining(trainer: Trainer, output: Output): Promise<number> {
  try {
    const { interrupted } = await interruptible(
      output,
      () => {},
      (signal) => follow(trainer, signal),
      { signals: SIGNALS_OF_RANKS },
    );
    return interrupted ? INTERRUPTED : 0;
  } finally {
    trainer.close();
  }
}
