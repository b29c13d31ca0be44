import * as assert from "uvu/assert";
import { resolveConfig } from "../../src/poa/config.js";
import { problemOf } from "../support/config-problems.js";
import { test } from "../support/test.js";

test("numbers outside their range, not finite or quoted are refused with what is expected", () => {
  assert.is(problemOf({ optim: { lr: -1 } }).message, "optim.lr: expected a number ≥ 0, got -1.");
  assert.is(problemOf({ optim: { lr: Number.NaN } }).message, "optim.lr: expected a number ≥ 0, got NaN.");
  assert.is(
    problemOf({ optim: { clip_grad: Infinity } }).message,
    "optim.clip_grad: expected a number ≥ 0, got Infinity.",
  );
  assert.is(
    problemOf({ optim: { lr: "1e-3" } }).message,
    'optim.lr: expected a number ≥ 0, got the string "1e-3"; write it without quotes.',
  );
  assert.is(
    problemOf({ optim: { iter_num_scale: 0.5 } }).message,
    "optim.iter_num_scale: expected a number in [0.7, 1], got 0.5.",
  );
  assert.is(problemOf({ optim: { adamw_beta1: 1 } }).message, "optim.adamw_beta1: expected a number in [0, 1), got 1.");
  assert.is(problemOf({ teacher: { teacher_temp: 0 } }).message, "teacher.teacher_temp: expected a number > 0, got 0.");
  assert.is(
    problemOf({ train: { batch_size_per_gpu: 2.5 } }).message,
    "train.batch_size_per_gpu: expected an integer in [1, 2147483647], got 2.5.",
  );
  assert.is(
    problemOf({ crops: { blur_kernel: 4 } }).message,
    "crops.blur_kernel: expected an odd integer in [1, 127], got 4.",
  );
});

test("lists of the wrong length, order or content are refused at their entry", () => {
  assert.is(
    problemOf({ crops: { mean: [0, 0] } }).message,
    "crops.mean: expected a list of 3 numbers, got a list of 2.",
  );
  const entry = problemOf({ crops: { std: [0.2, 0, 0.2] } });
  assert.is(entry.path, "crops.std[1]");
  assert.is(entry.message, "crops.std[1]: expected a number > 0, got 0.");
  assert.is(
    problemOf({ dino: { head_n_prototypes: [] } }).message,
    "dino.head_n_prototypes: expected a list of one or more integers in [2, 16777216], got an empty list.",
  );
  assert.is(
    problemOf({ dino: { head_n_prototypes: 256 } }).message,
    "dino.head_n_prototypes: expected a list of one or more integers in [2, 16777216], got 256.",
  );
  assert.is(
    problemOf({ crops: { global_crops_scale: [1, 0.3] } }).message,
    "crops.global_crops_scale: expected two numbers in (0, 1], the smaller first, got [1, 0.3].",
  );
});

test("words that are no choice are refused with the choices and the nearest", () => {
  assert.is(
    problemOf({ train: { centering: "sinkhorn_knop" } }).message,
    'train.centering: expected one of "sinkhorn_knopp", "centering", got the string "sinkhorn_knop"; did you mean "sinkhorn_knopp"?',
  );
  assert.is(problemOf({ student: { arch: "vit-dynamic" } }).path, "student.arch");
  assert.is(
    problemOf({ ibot: { separate_head: "yes" } }).message,
    'ibot.separate_head: expected true or false, got the string "yes".',
  );
});

test("null is a value where the table says so, and an empty section is none", () => {
  assert.is(
    resolveConfig({ train: { OFFICIAL_EPOCH_LENGTH: null }, optim: null }).config.train.OFFICIAL_EPOCH_LENGTH,
    null,
  );
  assert.is(problemOf({ train: { seed: null } }).message, "train.seed: expected an integer ≥ 0, got null.");
  assert.is(
    problemOf({ train: { OFFICIAL_EPOCH_LENGTH: "no" } }).message,
    'train.OFFICIAL_EPOCH_LENGTH: expected an integer in [1, 2147483647] or null, got the string "no".',
  );
});
