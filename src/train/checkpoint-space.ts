import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { checkpointsAtOnce, type PlannedRun, plannedBytes } from "./checkpoint-size.js";
import { expectSpace } from "./durable-write.js";

/**
 * Looks whether the checkpoints of a run will fit on its disk; what its folder holds already counts as room.
 *
 * @param folder  of the run; need not exist
 * @throws ResourceError that says how much is needed and free
 */
export function expectRoom(folder: string, run: PlannedRun): void {
  const needed = plannedBytes(run) - bytesBelow(join(folder, "checkpoints"));
  if (needed <= 0) return;
  const count = checkpointsAtOnce(run.config, run.plan);
  expectSpace(existing(resolve(folder)), needed, `room for ${count} checkpoints at a time (train.keep_last)`);
}

/** Bytes of the files in a folder and those below; none if it is not there. */
function bytesBelow(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .map((name) => statSync(join(folder, name)))
      .reduce((sum, stat) => (stat.isFile() ? sum + stat.size : sum), 0);
  } catch {
    return 0; // what cannot be read is no room
  }
}

/** The nearest path above that is there. */
function existing(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existing(dirname(path));
}
