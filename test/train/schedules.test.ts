import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import { resolveConfig } from "../../src/poa/config.js";
import { planRun } from "../../src/poa/plan.js";
import { schedulesOf } from "../../src/train/schedules.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) <= 1e-12 * Math.max(1, Math.abs(expected)), `${actual}, expected ${expected}`);

/** Schedules of 10 epochs of 10 steps, unless overridden. */
function schedules(...overrides: string[]) {
  const { config } = resolveConfig(
    {
      train: { batch_size_per_gpu: 16, OFFICIAL_EPOCH_LENGTH: 10 },
      optim: { epochs: 10, warmup_epochs: 2, iter_num_scale: 1, freeze_last_layer_epochs: 1 },
      teacher: { warmup_teacher_temp_epochs: 3 },
    },
    { overrides },
  );
  const plan = planRun(config, { images: 160 });
  return { config, plan, ...schedulesOf(config, plan) };
}

test("the learning rate rises from 0 to the scaled peak and falls to its end along a cosine", () => {
  const { lr, plan, config } = schedules();
  const peak = 0.004 * Math.sqrt(16 / 1024);
  close(plan.peakLearningRate, peak);
  assert.is(lr(0), 0);
  close(lr(19), peak);
  close(lr(20), peak);
  for (const i of [1, 40, 77]) close(lr(20 + i), 2e-5 + 0.5 * (peak - 2e-5) * (1 + Math.cos((Math.PI * i) / 80)));
  assert.is(lr(100), config.optim.min_lr);
});

test("a truncated run is cut before the end of its cosines", () => {
  const { lr, weightDecay, momentum, plan } = schedules("optim.iter_num_scale=0.8");
  const at = (base: number, final: number, i: number, n: number) =>
    final + 0.5 * (base - final) * (1 + Math.cos((Math.PI * i) / n));
  close(lr(99), at(plan.peakLearningRate, 2e-5, 79, 105));
  close(weightDecay(99), at(0.04, 0.4, 99, 125));
  close(momentum(99), at(0.992, 0.9999, 99, 125));
});

test("weight decay and the teacher's momentum go along a cosine from the first step on", () => {
  const { weightDecay, momentum } = schedules();
  close(weightDecay(0), 0.04);
  close(weightDecay(50), 0.22);
  close(momentum(0), 0.992);
  close(momentum(50), (0.992 + 0.9999) / 2);
});

test("the last layer stays as it is at first, then follows the learning rate", () => {
  const { lr, lastLayerLr } = schedules();
  for (const i of [0, 5, 9]) assert.is(lastLayerLr(i), 0);
  for (const i of [10, 50, 99]) assert.is(lastLayerLr(i), lr(i));
});

test("the teacher's temperature goes in a straight line to its final value", () => {
  const { teacherTemperature } = schedules();
  assert.is(teacherTemperature(0), 0.04);
  close(teacherTemperature(29), 0.07);
  close(teacherTemperature(10), 0.04 + (0.03 * 10) / 29);
  assert.is(teacherTemperature(30), 0.07);
  assert.is(teacherTemperature(99), 0.07);
});

test("a learning rate that is given is taken as it is", () => {
  close(schedules("optim.lr=0.01").lr(20), 0.01);
});

test("a warm-up that is longer than the run is refused", () => {
  refuses(() => schedules("optim.warmup_epochs=11"), ConfigError, "warm");
});
