import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { expectCode, expectExit, startPoa, tinyPretrain, workshop } from "../support/program.js";
import { smallDiskProblem, withSmallDisk } from "../support/small-disk.js";
import { tempFolder } from "../support/temp-folder.js";
import { leaveOut, test } from "../support/test.js";

const cwd = workshop();
const settings = ["train.checkpoint_every_steps=1", "train.keep_last=100"];
const pretrainIn = (out: string, ...more: string[]) => [...tinyPretrain.slice(0, -1), out, ...settings, ...more];
const checkpointsOf = (run: string) => readdirSync(join(run, "checkpoints")).sort();

/** Files of a checkpoint as text. */
const bytesOf = (run: string, step: string) =>
  readdirSync(join(run, "checkpoints", step)).map((part) => readFileSync(join(run, "checkpoints", step, part), "hex"));

/** Registers a test that needs disks of its own, or something else of the host. */
function diskTest(name: string, fn: () => Promise<void>, problem = smallDiskProblem()): void {
  if (problem === null) test(name, fn, { timeoutMs: 60_000 });
  else leaveOut(name, problem);
}

diskTest("a disk without space for the next checkpoint ends the run with 5, both figures, and the old ones whole", () =>
  withSmallDisk("size=20m", async (disk) => {
    const run = join(disk, "run");
    const seldom = ["train.checkpoint_every_steps=40", "train.keep_last=100", "optim.epochs=20"];
    const trainIn = (out: string) => [...tinyPretrain.slice(0, -1), out, ...seldom];
    const running = startPoa([...trainIn(run), "--json"], { cwd });
    await running.said(/"iteration":42,/);
    running.child.kill("SIGSTOP"); // between two saves, while others fill the disk
    const filler = join(disk, "filler");
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(filler, new Uint8Array(bavail * bsize - (64 << 10)));
    running.child.kill("SIGCONT");
    const { code, stderr, stdout } = await running.done;
    assert.is(code, 5, stderr);
    assert.match(
      stderr,
      /^error: checkpoint 80 needs \d+ MiB in .*checkpoints, \d+ MiB are free\. Free space, then resume/m,
    );
    assert.not.match(stderr + stdout, /saved|\d steps, \d+ images/);
    const before = checkpointsOf(run);
    assert.equal(before, ["000000000", "000000040"]);
    assert.not.ok(existsSync(join(run, "lock")));
    rmSync(filler);
    await expectCode(0, ["resume", run], { cwd });
    const whole = join(tempFolder(), "whole");
    await expectCode(0, trainIn(whole), { cwd });
    for (const step of [...before, "000000080"]) assert.equal(bytesOf(run, step), bytesOf(whole, step), step);
  }),
);

diskTest("a disk that fills up while a checkpoint is written ends the run with 5, and nothing half of it stays", () =>
  // Space is enough, but not the number of files: it is found out in the middle of a save only.
  withSmallDisk("size=20m,nr_inodes=20", async (disk, remount) => {
    const run = join(disk, "run");
    const { stderr } = await expectCode(5, pretrainIn(run), { cwd });
    assert.match(
      stderr,
      /^error: .*checkpoints\/\d+(\/|: |\.).*the disk is full\. Free space and resume; what was saved before is intact/m,
    );
    assert.ok(checkpointsOf(run).every((name) => /^\d+$/.test(name)));
    for (const step of checkpointsOf(run)) assert.is(bytesOf(run, step).length, 3);
    remount("nr_inodes=2000");
    await expectCode(0, ["resume", run], { cwd });
    assert.is(checkpointsOf(run).at(-1), "000000008");
  }),
);

diskTest("a disk without room for the first checkpoint is refused before step 1", () =>
  withSmallDisk("size=100k", async (disk) => {
    const { stderr } = await expectCode(5, pretrainIn(join(disk, "run"), "--json"), { cwd });
    assert.match(stderr, /^error: .* needs .*MiB are free/m);
  }),
);

diskTest(
  "an output folder on a disk that can only be read is refused with 2 before step 1, and a run in it with its name",
  () =>
    withSmallDisk("size=20m", async (disk, remount) => {
      const run = join(disk, "run");
      await expectCode(0, pretrainIn(run), { cwd });
      remount("ro");
      const fresh = await expectCode(2, pretrainIn(join(disk, "new"), "--json"), { cwd });
      assert.match(fresh.stderr, /^error: --out .*new cannot be made: EROFS/m);
      assert.not.ok(fresh.events.some(({ event }) => event === "step"));
      assert.match((await expectCode(2, ["resume", run], { cwd })).stderr, /run cannot be written: EROFS/);
      assert.match(
        (await expectCode(2, pretrainIn(run, "--overwrite"), { cwd })).stderr,
        /run cannot be written: EROFS/,
      );
      remount("rw");
      assert.is(checkpointsOf(run).at(-1), "000000008");
    }),
);

diskTest("an output folder on another device, itself or through a link, holds the same run", () =>
  withSmallDisk("size=20m", async (disk) => {
    assert.is.not(statSync(disk).dev, statSync(cwd).dev);
    const [here, link] = [join(tempFolder(), "run"), join(tempFolder(), "link")];
    mkdirSync(join(disk, "linked"));
    symlinkSync(join(disk, "linked"), link);
    await expectCode(0, pretrainIn(here), { cwd });
    for (const out of [join(disk, "run"), link]) {
      await expectCode(0, pretrainIn(out), { cwd });
      assert.equal(bytesOf(out, "000000008"), bytesOf(here, "000000008"));
    }
  }),
);

const isRoot = process.getuid?.() === 0;
/** Root may write everywhere, so the program runs as nobody then. */
const uid = isRoot ? 65534 : undefined;

diskTest(
  "a folder that the user may not write to is refused with 2 before step 1, and nothing is made",
  async () => {
    const folder = tempFolder();
    const out = join(folder, "closed");
    mkdirSync(out);
    writeFileSync(join(folder, "file"), "mine");
    chmodSync(out, 0o555);
    for (const open of [folder, cwd]) chmodSync(open, 0o755);
    for (const [path, message] of [
      [out, /^error: .*closed(\/checkpoints)? cannot be made: EACCES/m],
      [join(out, "run"), /^error: --out .*run cannot be made: EACCES/m],
      [join(folder, "file"), /^error: --out .*file is a file/m],
    ] as const) {
      const { stderr, events } = await expectExit(2, pretrainIn(path, "--json"), { cwd, uid });
      assert.match(stderr, message);
      assert.equal(
        events.map(({ event }) => event),
        ["error"],
      );
    }
    assert.equal(readdirSync(out), []);
    assert.is(readFileSync(join(folder, "file"), "utf8"), "mine");
  },
  isRoot && spawnSync(process.execPath, ["--version"], { uid }).status !== 0 ? "no other user can be had here" : null,
);
