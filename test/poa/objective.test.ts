import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { add } from "../../src/ops/elementwise.js";
import type { PoaBatch } from "../../src/poa/batch.js";
import type { GlobalOutput, Logits } from "../../src/poa/branch.js";
import { dinoGlobal, dinoLocal } from "../../src/poa/losses/dino.js";
import { distill } from "../../src/poa/losses/distill.js";
import { koleo } from "../../src/poa/losses/koleo.js";
import { maskedPatches } from "../../src/poa/losses/patch.js";
import {
  elasticRole,
  globalObjective,
  intactRole,
  type LossWeights,
  localObjective,
  type Objective,
  type Targets,
} from "../../src/poa/objective.js";
import { fromArray, zeros } from "../../src/tensor/create.js";
import { leaf, numbers } from "../support/gradcheck.js";
import { gradientOf } from "../support/gradient.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const [B, CROPS, M] = [2, 3, 3];
const HEADS = [5, 4];
const weights = { lambda: 0.7, dino: 1.5, ibot: 0.6, koleo: 0.2 };

/** All that a student says about a batch. */
interface BranchOutput extends Logits, Pick<GlobalOutput, "features" | "patch"> {}

/** A branch that says seeded things; its tensors are tracked. */
function output(seed: number, { locals = true, masked = true } = {}): BranchOutput {
  const logits = (rows: number, stream: number) => HEADS.map((k, h) => leaf([rows, k], 10 * seed + stream + h));
  return {
    features: leaf([2 * B, 3], 10 * seed),
    local: locals ? logits(CROPS * B, 1) : [],
    global: logits(2 * B, 3),
    patch: masked ? logits(M, 5) : [],
  };
}

const positive = (shape: number[], seed: number) => fromArray(numbers(shape, seed).map(Math.abs), shape);

function targetsFor(masked = true): Targets {
  return {
    classes: HEADS.map((k, h) => ({ swapped: positive([2 * B, k], h), summed: positive([B, k], h + 7) })),
    patches: masked ? HEADS.map((k, h) => positive([M, k], h + 9)) : [],
  };
}

function batchWith({ locals = true, masked = true } = {}): PoaBatch {
  return {
    images: B,
    globals: zeros([2 * B, 1, 2, 2]),
    locals: locals ? zeros([CROPS * B, 1, 1, 1]) : null,
    masked: masked
      ? { masks: zeros([2 * B, 4]), indices: Int32Array.of(0, 1, 5), weights: Float32Array.of(0.5, 0.5, 1) }
      : null,
  };
}

/** The terms of spec §4.6, head by head. */
function terms(branch: BranchOutput, targets: Targets, intact: BranchOutput | null) {
  const heads = HEADS.map((_, h) => ({
    local: dinoLocal(branch.local[h], targets.classes[h]).item(),
    global: dinoGlobal(branch.global[h], targets.classes[h], CROPS).item(),
    patch: maskedPatches(branch.patch[h], targets.patches[h], fromArray([0.5, 0.5, 1], [3]), 2 * B).item(),
    distilLocal: intact ? distill(branch.local[h], intact.local[h]).item() : 0,
    distilGlobal: intact ? distill(branch.global[h], intact.global[h]).item() : 0,
  }));
  const spread = koleo(branch.features.narrow(0, 0, B)).item() + koleo(branch.features.narrow(0, B, B)).item();
  return { heads, koleo: spread };
}

const near = (actual: number, expected: number, what = "") =>
  assert.ok(
    Math.abs(actual - expected) < 1e-12 * Math.max(1, Math.abs(expected)),
    `${what} ${actual}, expected ${expected}`,
  );
/** All parts of the objective of a batch. */
function objective(
  batch: PoaBatch,
  targets: Targets,
  intact: BranchOutput,
  elastic: BranchOutput[],
  weights: LossWeights,
): Objective {
  const roles = [intactRole(weights), ...elastic.map(() => elasticRole(weights, elastic.length, intact))];
  const parts = [intact, ...elastic].flatMap((output, i) => {
    const { global, local, patch, features } = output;
    const lesson = { batch, targets, weights };
    const ofGlobal = globalObjective(lesson, { logits: global, patch, features }, roles[i]);
    return batch.locals ? [ofGlobal, localObjective(lesson, local, roles[i])] : [ofGlobal];
  });
  const logged: Record<string, number> = {};
  for (const part of parts) for (const key in part.logged) logged[key] = (logged[key] ?? 0) + part.logged[key];
  return { loss: parts.map(({ loss }) => loss).reduce(add), logged };
}
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
/** The value of an objective, out of its step. */
const evaluated = (fn: () => Objective) =>
  step(() => {
    const { loss, logged } = fn();
    return { loss: loss.item(), logged };
  });

test("the objective is the published sum: λ for the intact, 1 − λ for the elastic student and the distillation", async () => {
  await initDouble();
  const [intact, elastic, targets, batch] = [output(1), output(2), targetsFor(), batchWith()];
  const { loss } = evaluated(() => objective(batch, targets, intact, [elastic], weights));
  step(() => {
    const [i, e] = [terms(intact, targets, null), terms(elastic, targets, intact)];
    const perHead = HEADS.map((_, h) => {
      const teacher = ({ local, global, patch }: (typeof i.heads)[0]) => 1.5 * (local + global) + 0.6 * patch;
      return 0.7 * teacher(i.heads[h]) + 0.3 * (teacher(e.heads[h]) + e.heads[h].distilLocal + e.heads[h].distilGlobal);
    });
    near(loss, sum(perHead) / 2 + (0.2 / 2) * (i.koleo + e.koleo));
  });
});

test("logged values have the published keys and scales", async () => {
  await initDouble();
  const [intact, elastic, targets, batch] = [output(1), output(2), targetsFor(), batchWith()];
  const { logged } = evaluated(() => objective(batch, targets, intact, [elastic], weights));
  step(() => {
    const [i, e] = [terms(intact, targets, null), terms(elastic, targets, intact)];
    const expected: Record<string, number> = { koleo_loss: (0.2 / 4) * (i.koleo + e.koleo) };
    for (const h of [0, 1]) {
      const [a, b] = [i.heads[h], e.heads[h]];
      expected[`dino_local_crops_loss_${h}`] = 1.5 * (0.7 * a.local + 0.3 * b.local);
      expected[`dino_global_crops_loss_${h}`] = 1.5 * (0.7 * a.global + 0.3 * b.global);
      expected[`distill_local_crops_loss_${h}`] = b.distilLocal;
      expected[`distill_global_crops_loss_${h}`] = b.distilGlobal;
      expected[`ibot_loss_${h}`] = (0.6 / 2) * (0.7 * a.patch + 0.3 * b.patch);
    }
    assert.equal(Object.keys(logged).sort(), Object.keys(expected).sort());
    for (const key in expected) near(logged[key], expected[key], key);
  });
});

test("several elastic networks share their weight evenly", async () => {
  await initDouble();
  const [intact, targets, batch] = [output(1), targetsFor(), batchWith()];
  const networks = [output(2), output(3), output(4)];
  const one = networks.map((elastic) => evaluated(() => objective(batch, targets, intact, [elastic], weights)));
  const all = evaluated(() => objective(batch, targets, intact, networks, weights));
  near(all.loss, sum(one.map(({ loss }) => loss)) / 3);
  for (const key in all.logged) near(all.logged[key], sum(one.map(({ logged }) => logged[key])) / 3, key);
});

test("parts that are off leave no term: masks, local crops, koleo, elastic networks", async () => {
  await initDouble();
  const off = { locals: false, masked: false };
  const [intact, elastic] = [output(1, off), output(2, off)];
  const bare = evaluated(() =>
    objective(batchWith(off), targetsFor(false), intact, [elastic], { ...weights, koleo: 0 }),
  );
  assert.equal(
    Object.keys(bare.logged).map((key) => key.replace(/_\d$/, "")),
    ["dino_global_crops_loss", "dino_global_crops_loss", "distill_global_crops_loss", "distill_global_crops_loss"],
  );
  const alone = evaluated(() => objective(batchWith(off), targetsFor(false), intact, [], weights));
  assert.ok(Number.isFinite(alone.loss));
  assert.not.ok(Object.keys(alone.logged).some((key) => key.startsWith("distill")));
});

test("the distillation reaches the elastic student only", async () => {
  await initDouble();
  const [intact, elastic, targets, batch] = [output(1), output(2), targetsFor(), batchWith()];
  const alone = { lambda: 0, dino: 0, ibot: 0, koleo: 0 };
  step(() => objective(batch, targets, intact, [elastic], alone).loss.backward());
  for (const h of [0, 1]) {
    assert.ok(Array.from(gradientOf(intact.global[h])).every((value) => value === 0));
    assert.ok(Array.from(gradientOf(elastic.global[h])).some((value) => value !== 0));
    assert.ok(Array.from(gradientOf(elastic.local[h])).some((value) => value !== 0));
  }
});
