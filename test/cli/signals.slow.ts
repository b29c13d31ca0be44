import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { CheckpointFolder } from "../../src/train/checkpoint.js";
import { preloaded } from "../support/preloaded.js";
import { expectCode, imagesIn, startPoa, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
imagesIn(join(cwd, "many"), 2000);

/** A run that does little else than to evaluate, on 4,000 images. */
const evaluating = ["evaluation.knn=many", "evaluation.images=4000", "evaluation.eval_period_iterations=2"];
const checkpointsOf = (run: string) => readdirSync(join(cwd, run, "checkpoints")).sort();
const runIn = (out: string, ...more: string[]) => [...tinyPretrain.slice(0, -1), out, ...more, "--json"];
const last = (run: string) => join(cwd, run, "checkpoints", "000000008");
const bytesOf = (run: string) => readdirSync(last(run)).map((part) => readFileSync(join(last(run), part), "hex"));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

await expectCode(0, runIn("whole"), { cwd });

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(
    `${signal} in an evaluation ends it, saves and ends with 130, and the run that is resumed ends with the same bytes`,
    async () => {
      const out = `evaluation-${signal}`;
      const running = startPoa(runIn(out, ...evaluating), { cwd });
      await running.said(/"iteration":1,"loss"/); // an evaluation follows
      running.child.kill(signal);
      const { code, result, events, stderr } = await running.done;
      assert.is(code, 130, stderr);
      assert.is(result.iterations, 2);
      assert.equal(
        events.filter(({ event }) => event === "evaluation").map(({ iteration }) => iteration),
        [0],
        "the second one was not waited for",
      );
      assert.equal(checkpointsOf(out), ["000000000", "000000002"]);
      await expectCode(0, ["resume", out], { cwd });
      assert.equal(bytesOf(out), bytesOf("whole"));
    },
    { timeoutMs: 120_000 },
  );

  test(
    `${signal} while a checkpoint is written waits for it and ends with 130, twice as well as once`,
    async () => {
      const out = `save-${signal}`;
      const env = preloaded("slow-disk", { POA_TEST_FSYNC_MS: "400" });
      const running = startPoa(runIn(out, "train.checkpoint_every_steps=2"), { cwd, env });
      await running.said(/"iteration":1,"loss"/);
      await pause(200); // in the checkpoint of step 2, which takes two seconds
      running.child.kill(signal);
      await pause(600);
      running.child.kill(signal);
      const { code, signal: killedBy, stderr } = await running.done;
      assert.equal([code, killedBy], [130, null], stderr);
      assert.match(stderr, /stopping after this step; once more to stop at once/);
      for (const name of checkpointsOf(out)) assert.match(name, /^\d+$/);
      assert.ok(checkpointsOf(out).length > 1, "the one in the writing has become whole");
      assert.not.ok(existsSync(join(cwd, out, "lock")));
      await expectCode(0, ["resume", out], { cwd });
      assert.equal(bytesOf(out), bytesOf("whole"));
    },
    { timeoutMs: 120_000 },
  );
}

test(
  "a second signal ends a run at once that waits for an image of a disk that does not answer, and what was saved is whole",
  async () => {
    const running = startPoa(runIn("hanging", "optim.epochs=10000", "train.checkpoint_every_steps=4"), { cwd });
    await running.said(/"iteration":4,/);
    const image = join(cwd, "images", "left", "000.png");
    const bytes = readFileSync(image);
    rmSync(image);
    assert.is(spawnSync("mkfifo", [image]).status, 0);
    try {
      await pause(1500); // every image has its turn
      running.child.kill("SIGINT");
      const heard = await Promise.race([running.done, pause(1000)]);
      assert.is(heard, undefined, "it waits");
      running.child.kill("SIGINT");
      const begun = performance.now();
      const { code, signal } = await running.done;
      assert.equal([code, signal], [null, "SIGINT"], "which a shell tells as 130");
      assert.ok(performance.now() - begun < 5000, "at once");
    } finally {
      rmSync(image);
      writeFileSync(image, bytes);
    }
    assert.not.ok(existsSync(join(cwd, "hanging", "lock")));
    const checkpoints = new CheckpointFolder(join(cwd, "hanging", "checkpoints"));
    for (const step of checkpoints.steps()) assert.is(checkpoints.load(step).iteration, step);
    assert.ok(checkpoints.steps().length > 1);
  },
  { timeoutMs: 60_000 },
);
