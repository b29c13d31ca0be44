import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "./temp-folder.js";

const mount = (...args: string[]) => spawnSync("mount", args).status === 0;

/** Why this host gives no disk of a chosen size, or null. */
export function smallDiskProblem(): string | null {
  const folder = tempFolder();
  if (!mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", folder)) return "tmpfs cannot be mounted here; that takes root";
  spawnSync("umount", [folder]);
  return null;
}

/**
 * Runs fn with a disk in memory, which is gone afterwards.
 *
 * @param options  of tmpfs, such as size=200k
 * @param fn  given the folder where the disk is, and how to mount it anew with other options
 */
export async function withSmallDisk(
  options: string,
  fn: (folder: string, remount: (options: string) => void) => void | Promise<void>,
): Promise<void> {
  const folder = join(tempFolder(), "disk");
  mkdirSync(folder);
  if (!mount("-t", "tmpfs", "-o", options, "tmpfs", folder)) throw new Error(`cannot mount a tmpfs with ${options}`);
  try {
    await fn(folder, (changed) => {
      if (!mount("-o", `remount,${changed}`, folder)) throw new Error(`cannot remount with ${changed}`);
    });
  } finally {
    spawnSync("umount", ["-l", folder]);
  }
}
