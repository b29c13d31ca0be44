import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { CheckpointFiles } from "../../src/train/checkpoint-files.js";
import { preloaded } from "../support/preloaded.js";
import { partsAt } from "../support/save-checkpoint.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const program = fileURLToPath(new URL("../support/save-checkpoint.js", import.meta.url));

/** The number that each part of a checkpoint is filled with, if it can be read. */
function contentOf(files: CheckpointFiles, step: number): number[] {
  return ["student", "teacher"].map((name) => (files.read(step, name).tensors.get("x")!.data as Float32Array)[999]);
}

test(
  "a process that is killed before any one of the file-system calls of a save leaves the old or the new checkpoint, whole",
  () => {
    const base = join(tempFolder(), "checkpoints");
    const before = new CheckpointFiles(base);
    for (const step of [0, 3, 6]) before.write(step, partsAt(step));
    const newestAfter: number[] = [];
    for (let call = 1; ; call++) {
      const folder = join(tempFolder(), "checkpoints");
      cpSync(base, folder, { recursive: true });
      const env = {
        ...process.env,
        ...preloaded("kill-at-call", { POA_TEST_KILL_AT: String(call), POA_TEST_KILL_IN: folder }),
      };
      const { signal, status, stderr } = spawnSync(process.execPath, [program, "save", folder], {
        env,
        encoding: "utf8",
      });
      assert.ok(signal === "SIGKILL" || status === 0, stderr);
      const files = new CheckpointFiles(folder);
      for (const step of files.steps()) assert.equal(contentOf(files, step), [step, step], `call ${call}`);
      const newest = files.newest(
        (step) => contentOf(files, step)[0],
        (message) => assert.unreachable(message),
      );
      assert.ok(newest === 6 || newest === 9, `call ${call}: ${newest}`);
      newestAfter.push(newest);
      files.write(9, partsAt(9));
      assert.equal(contentOf(files, 9), [9, 9], "and the save can be done again");
      if (signal === null) break;
    }
    assert.ok(newestAfter.length > 20, `${newestAfter.length} calls`);
    assert.equal([...newestAfter].sort(), newestAfter, "once it is there it stays");
    assert.equal([newestAfter[0], newestAfter.at(-1)], [6, 9]);
  },
  { timeoutMs: 300_000 },
);
