import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { seeded } from "../support/kernels.js";
import { expectExit, startPoa, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const LAST = 200;
const KILLS = 25;
/** A checkpoint per step, so that many kills hit one in the writing. */
const settings = ["optim.epochs=50", "train.checkpoint_every_steps=1"];

const cwd = workshop();

function endOf(run: string): string[] {
  const folder = join(cwd, run, "checkpoints", String(LAST).padStart(9, "0"));
  const parts = readdirSync(folder).sort();
  return [...parts.map((part) => join(folder, part)), join(cwd, run, "metrics.jsonl")].map((path) =>
    readFileSync(path).toString("hex"),
  );
}

test(
  "a run that is killed at 25 random moments, and resumed each time, ends with the same bytes",
  async () => {
    await expectExit(0, [...tinyPretrain.slice(0, -1), "whole", ...settings], { cwd });
    const seed = Date.now();
    console.log(`moments of the kills drawn with seed ${seed}`); // shown if the test fails
    const next = seeded(seed);
    let furthest = 0;
    for (let kill = 0; kill < KILLS; ) {
      const begun = existsSync(join(cwd, "killed", "config.yaml"));
      const args = begun ? ["resume", "killed"] : [...tinyPretrain.slice(0, -1), "killed", "--overwrite", ...settings];
      const running = startPoa([...args, "--json"], { cwd });
      await running.said(/"iteration":/);
      const timer = setTimeout(() => running.child.kill("SIGKILL"), 40 + 120 * next());
      const { code, signal, stderr, events } = await running.done;
      clearTimeout(timer);
      assert.ok(signal === "SIGKILL" || code === 0, stderr);
      assert.not.match(stderr, /damaged|cannot be read/, "what was saved is whole");
      if (signal !== "SIGKILL") break;
      kill++;
      const first = events[1].iteration as number;
      assert.ok(first >= furthest, `begins at step ${first}, but step ${furthest} had been saved`);
      furthest = Math.max(
        ...readdirSync(join(cwd, "killed", "checkpoints"))
          .filter((name) => /^\d+$/.test(name))
          .map(Number),
      );
    }
    await expectExit(0, ["resume", "killed"], { cwd });
    assert.ok(endOf("killed").join() === endOf("whole").join());
  },
  { timeoutMs: 300_000 },
);
