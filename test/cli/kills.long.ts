import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { init } from "../../src/runtime/context.js";
import { CheckpointFolder } from "../../src/train/checkpoint.js";
import { seeded } from "../support/kernels.js";
import { expectCode, expectExit, startPoa, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

await init();

const KILLS = 200;
const LAST = 400;
const settings = [`optim.epochs=${LAST / 4}`, "train.checkpoint_every_steps=1"];

const cwd = workshop();
const pretrainIn = (run: string) => [...tinyPretrain.slice(0, -1), run, "--quiet", ...settings];

/** Last checkpoint and metrics of a run. */
function endOf(run: string): string {
  const folder = join(cwd, run, "checkpoints", String(LAST).padStart(9, "0"));
  const files = readdirSync(folder).sort();
  const paths = [...files.map((part) => join(folder, part)), join(cwd, run, "metrics.jsonl")];
  return paths.map((path) => readFileSync(path).toString("hex")).join();
}

/** Where the process `pid` was when it was killed. */
function stageOf(run: string, pid: number): "start" | "step" | "save" {
  const lock = join(cwd, run, "lock");
  if (!existsSync(lock) || !readFileSync(lock, "utf8").includes(`${pid}`)) return "start";
  const checkpoints = join(cwd, run, "checkpoints");
  return existsSync(checkpoints) && readdirSync(checkpoints).some((name) => name.endsWith(".partial"))
    ? "save"
    : "step";
}

/** Every checkpoint that counts can be read. @returns the step of the newest; -1 without any */
function newestOf(run: string): number {
  const checkpoints = new CheckpointFolder(join(cwd, run, "checkpoints"));
  const steps = checkpoints.steps();
  for (const step of steps) assert.is(checkpoints.load(step).iteration, step);
  return steps.at(-1) ?? -1;
}

test(
  "200 kills at random moments lose no run and no checkpoint, and each run ends with the bytes of one that nobody killed",
  async () => {
    await expectCode(0, pretrainIn("whole"), { cwd });
    const begun = performance.now();
    await expectExit(0, ["resume", "whole", "--quiet"], { cwd });
    let startMs = performance.now() - begun;
    const seed = Date.now();
    console.log(`moments of the kills drawn with seed ${seed}`); // shown if the test fails
    const next = seeded(seed);
    const stages = { start: 0, step: 0, save: 0 };
    let furthest = -1;
    for (let kills = 0; kills < KILLS; ) {
      const args = existsSync(join(cwd, "killed", "config.yaml"))
        ? ["resume", "killed", "--quiet"]
        : [...pretrainIn("killed"), "--overwrite"];
      const running = startPoa(args, { cwd });
      const timer = setTimeout(() => running.child.kill("SIGKILL"), startMs * (0.3 + 1.1 * next()));
      const { code, signal, stderr } = await running.done;
      clearTimeout(timer);
      assert.ok(signal === "SIGKILL" || code === 0, stderr);
      assert.is(stderr, "", "nothing was damaged");
      const newest = newestOf("killed");
      assert.ok(newest >= furthest, `step ${furthest} had been saved, now the newest is ${newest}`);
      furthest = newest;
      if (code === 0) {
        assert.ok(endOf("killed") === endOf("whole"), "the same bytes");
        rmSync(join(cwd, "killed"), { recursive: true });
        furthest = -1;
        continue;
      }
      const stage = stageOf("killed", running.child.pid!);
      stages[stage]++;
      kills++;
      startMs *= stage === "start" ? 1.05 : 0.98; // what else the host does comes and goes
    }
    console.log(`killed ${JSON.stringify(stages)}`);
    assert.ok(Math.min(...Object.values(stages)) > 0, "starts, steps and saves alike");
    await expectCode(0, ["resume", "killed"], { cwd });
    assert.ok(endOf("killed") === endOf("whole"), "the same bytes");
  },
  { timeoutMs: 1_800_000 },
);
