import * as assert from "uvu/assert";
import type { PartialConfig } from "../../src/poa/config.js";
import { resolveConfig } from "../../src/poa/config.js";
import { init } from "../../src/runtime/context.js";
import { CollapseMonitor, entropyShares, lossOverLnK, type StepSigns } from "../../src/train/collapse.js";
import type { TeacherHealth } from "../../src/train/teacher-watch.js";
import { Trainer } from "../../src/train/trainer.js";
import { runConfig, runsOutOfTargets, sharpTargets, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { train } from "../support/training.js";

await init();

const twoHeads = { dino: { head_n_prototypes: [16, 64] } } satisfies PartialConfig;
const configOf = (...overrides: string[]) => resolveConfig(twoHeads, { overrides }).config;
const config = configOf();

/** Signs of a sound step, with some of them replaced. `mean` and `each` are shares of ln K. */
function step(iteration: number, { mean = 0.9, each = 0.3, std = 0.2, loss = 0.8, images = 32 } = {}): StepSigns {
  const head = (prototypes: number) => {
    const lnK = Math.log(prototypes);
    return { mean: mean * lnK, each: each * lnK, prototypes };
  };
  const health: TeacherHealth = { images, heads: [head(16), head(64)], featureStd: std, featureDim: 16 };
  const losses = {
    dino_global_crops_loss_0: 0.25 * loss * Math.log(16),
    dino_local_crops_loss_0: 0.75 * loss * Math.log(16),
    dino_global_crops_loss_1: 0.25 * loss * Math.log(64),
    dino_local_crops_loss_1: 0.75 * loss * Math.log(64),
  };
  return { iteration, losses, updated: true, health };
}

/** Alarms of so many observed steps that look alike. */
function alarmsOf(signs: Parameters<typeof step>[1], { times = 20, settings = config } = {}): string[] {
  const monitor = new CollapseMonitor(settings);
  return Array.from({ length: times }, (_, i) => monitor.judge(step(10 * i, signs))).flat();
}

test("the loss is told per pair of crops, as a share of ln K, mean over heads", () => {
  const { losses } = step(0, { loss: 0.7 });
  assert.ok(Math.abs(lossOverLnK(config, losses)! - 0.7) < 1e-12);
  const scaled = Object.fromEntries(Object.entries(losses).map(([key, value]) => [key, 3 * value]));
  assert.ok(Math.abs(lossOverLnK(configOf("dino.loss_weight=3"), scaled)! - 0.7) < 1e-12);
  const { dino_local_crops_loss_0: _, dino_local_crops_loss_1: __, ...globals } = losses;
  assert.ok(Math.abs(lossOverLnK(config, globals)! - 0.25 * 0.7) < 1e-12, "without local crops");
  assert.is(lossOverLnK(configOf("dino.loss_weight=0"), losses), null);
});

test("students that say nothing have a loss of ln K in a real step, whatever the weights of the losses", async () => {
  for (const overrides of [
    [],
    ["dino.loss_weight=2", "dino.lambda_ie=0.3", "student.samples_per_step=2"],
    ["student.samples_per_step=0", "dino.lambda_ie=1"],
  ]) {
    const trainer = new Trainer(runConfig("crops.local_crops_number=3", ...overrides), squareSource(22));
    for (const [name, x] of trainer.model.student.stateDict())
      if (name.includes("weight_g")) x.write(new Float32Array(x.numel)); // logits of zeros
    const { losses } = await trainer.step();
    const share = lossOverLnK(trainer.config, losses)!;
    assert.ok(Math.abs(share - 1) < 1e-5, `${share}`);
    trainer.dispose();
  }
});

test("entropies are shares of ln K, means over heads, and never above 1", () => {
  const { each, mean } = entropyShares(step(0, { mean: 0.6, each: 0.25 }).health!);
  assert.ok(Math.abs(mean - 0.6) < 1e-12 && Math.abs(each - 0.25) < 1e-12);
  assert.is(entropyShares(step(0, { mean: 1 + 1e-7 }).health!).mean, 1);
});

test("a sound run raises no alarm", () => {
  assert.equal(alarmsOf({}, { times: 200 }), []);
});

test("each sign is told once, after it has been seen in twenty observed steps in a row, with what can be done", () => {
  for (const [signs, message] of [
    [
      { mean: 1, each: 0.9999 },
      /step 190: collapse: .* spread over all prototypes.*Lower teacher.teacher_temp \(0.07\)/,
    ],
    [{ mean: 0.01, each: 0.0099 }, /every image the same few prototypes.*Raise teacher.teacher_temp/],
    [{ std: 0.0001 }, /features of all images are nearly the same.*healthy near 0.25.*optim.base_lr 0.004/],
    [{ loss: 1.0004 }, /DINO loss has stood at ln K for 200 steps.*Lower teacher.teacher_temp/],
  ] as const) {
    assert.equal(alarmsOf(signs, { times: 19 }), []);
    const alarms = alarmsOf(signs, { times: 100 });
    assert.is(alarms.length, 1, alarms.join("\n"));
    assert.match(alarms[0], message);
  }
});

test("advice knows the settings: Sinkhorn is named where it is off, the learning rate that counts", () => {
  const centred = configOf("train.centering=centering", "optim.lr=0.5");
  assert.match(alarmsOf({ mean: 0.01, each: 0.01 }, { settings: centred })[0], /Set train.centering to sinkhorn_knopp/);
  assert.not.match(alarmsOf({ mean: 0.01, each: 0.01 })[0], /sinkhorn/);
  assert.match(alarmsOf({ std: 0 }, { settings: centred })[0], /optim.lr 0.5/);
});

test("a sign that goes away in between starts anew, and several signs are told apart", () => {
  const monitor = new CollapseMonitor(config);
  const alarms: string[] = [];
  for (let i = 0; i < 60; i++)
    alarms.push(...monitor.judge(step(10 * i, i === 15 ? {} : { loss: 1, std: i < 40 ? 0 : 1 })));
  assert.equal(
    alarms.map((alarm) => /^step \d+/.exec(alarm)![0]),
    ["step 350", "step 350"],
  );
});

test("a random start is not judged, however long the warm-up lasts", () => {
  const monitor = new CollapseMonitor(config, { from: 500 });
  const alarms: string[] = [];
  for (let i = 0; i < 80; i++) alarms.push(...monitor.judge(step(10 * i, { std: 0 })));
  assert.equal(
    alarms.map((alarm) => /^step \d+/.exec(alarm)![0]),
    ["step 690"],
  );
  assert.equal(
    [0, 499, 500, 505, 510].map((iteration) => monitor.wants(iteration)),
    [false, false, true, false, true],
  );
});

test("one head is enough, and targets that barely differ from image to image count as equal", () => {
  const monitor = new CollapseMonitor(config, { patience: 1 });
  const sound = step(0);
  const { heads } = sound.health!;
  const one = { ...sound, health: { ...sound.health!, heads: [heads[0], { mean: 4.1, each: 4.095, prototypes: 64 }] } };
  assert.is(monitor.judge(one).length, 1);
});

test("nothing is judged that was not looked at, did not change a weight, or shows too few images", () => {
  const monitor = new CollapseMonitor(config, { patience: 1 });
  const bad = { mean: 0.01, each: 0.01, std: 0 };
  assert.equal(monitor.judge({ ...step(0, bad), health: null }), []);
  assert.equal(monitor.judge({ ...step(0, bad), updated: false }), []);
  assert.equal(monitor.judge(step(3, bad)), [], "observed for another reason");
  assert.equal(monitor.judge(step(0, { ...bad, images: 3 })), []);
  assert.is(monitor.judge(step(0, bad)).length, 2);
});

test(
  "a teacher whose temperature lets no prototype stand out is found out in a real run; with a sharp one the run is sound",
  async () => {
    const warningsOf = async (settings: readonly string[]) => {
      const warnings: string[] = [];
      const trainer = new Trainer(runConfig(...settings), squareSource(22), {
        onWarning: (message) => warnings.push(message),
      });
      const reports = await train(trainer, 200);
      trainer.dispose();
      assert.equal(
        reports.flatMap(({ alarms }) => alarms),
        warnings,
      );
      return warnings;
    };
    const collapsed = await warningsOf(runsOutOfTargets);
    assert.ok(collapsed.some((warning) => /step 190: collapse: .* spread over all prototypes alike/.test(warning)));
    assert.equal(await warningsOf([...runsOutOfTargets, ...sharpTargets]), []);
  },
  { timeoutMs: 120_000 },
);
