import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { init } from "../../src/runtime/context.js";
import { close } from "../support/close.js";
import { mpiTest, startRanks } from "../support/mpi.js";
import { oneAfterTheOther, type RankRun, type TrainedSteps } from "../support/rank-runs.js";
import { tempFolder } from "../support/temp-folder.js";

const program = fileURLToPath(new URL("../support/rank-trainer.js", import.meta.url));

const STEPS = 3;
/**
 * Every loss and every weight from the first step on. Features far enough apart that rounding stays small, and no bias of keys,
 * whose gradient is nothing but rounding, which AdamW would bring to the size of the learning rate.
 */
const common = [
  ...["optim.ibot_activate_epochs=0", "optim.warmup_epochs=0", "optim.freeze_last_layer_epochs=0", "optim.lr=0.0001"],
  ...["student.init=fan_in", "student.layerscale=1", "student.qkv_bias=false"],
];

const runs: Record<string, RankRun> = {
  "Sinkhorn-Knopp, shares of unequal length": { overrides: common, images: 26, steps: STEPS, deterministic: false },
  // Without KoLeo: where attention is dropped class tokens are equal, and the gradient of their distance is one of rounding.
  "stochastic depth": {
    overrides: [...common, "student.drop_path_rate=0.3", "dino.koleo_loss_weight=0"],
    images: 24,
    steps: STEPS,
    deterministic: false,
  },
  "sums in the order of ranks, centring by softmax, two sub-networks a step": {
    overrides: [...common, "train.centering=centering", "student.samples_per_step=2"],
    images: 24,
    steps: STEPS,
    deterministic: true,
  },
  // With this seed that is so in some steps, and in none have all ranks no masked patch.
  "steps in which by chance some ranks have no masked patch": {
    overrides: [...common, "train.seed=21", "ibot.mask_sample_probability=0.125", "ibot.mask_ratio_min_max=[0, 0.12]"],
    images: 24,
    steps: STEPS,
    deterministic: false,
  },
};

for (const size of [2, 3]) {
  mpiTest(`${size} ranks train what one process trains that takes their batches and sub-networks in turn`, async () => {
    const folder = tempFolder();
    const { code, stderr } = await startRanks(size, [
      process.execPath,
      program,
      folder,
      JSON.stringify(Object.values(runs)),
    ]).done;
    assert.is(code, 0, stderr);
    const byRank = Array.from(
      { length: size },
      (_, rank) => JSON.parse(readFileSync(join(folder, `${rank}.json`), "utf8")) as TrainedSteps[],
    );
    for (const [i, [name, run]] of Object.entries(runs).entries()) {
      await init({ threads: 1 });
      const alone = await oneAfterTheOther(size, run);
      for (const [rank, trained] of byRank.entries()) compare(trained[i], alone, `${name}, rank ${rank}`);
      for (const trained of byRank)
        assert.equal(trained[i].state, byRank[0][i].state, `${name}: the same bits on all ranks`);
    }
  });
}

function compare(ranks: TrainedSteps, one: TrainedSteps, what: string): void {
  for (let step = 0; step < STEPS; step++) {
    const [a, b] = [ranks.reports[step], one.reports[step]];
    assert.equal(a.networks, b.networks, what);
    const keys = Object.keys(a.losses).sort();
    assert.equal(keys, Object.keys(b.losses).sort(), what);
    close(
      [a.loss, ...keys.map((key) => a.losses[key])],
      [b.loss, ...keys.map((key) => b.losses[key])],
      1e-6,
      `${what}, losses of step ${step}`,
    );
    const norm = Math.hypot(...one.gradients[step]);
    const ofNorm = (gradients: readonly number[]) => gradients.map((value) => value / norm);
    close(ofNorm(ranks.gradients[step]), ofNorm(one.gradients[step]), 1e-6, `${what}, gradients of step ${step}`);
  }
  close(ranks.state, one.state, 1e-6, `${what}, weights`);
}
