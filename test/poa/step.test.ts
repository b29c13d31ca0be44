import * as assert from "uvu/assert";
import { noGrad, step } from "../../src/autograd/tape.js";
import { type DropPath, stochasticDepth } from "../../src/nn/drop-path.js";
import { add } from "../../src/ops/elementwise.js";
import type { StateTensor } from "../../src/optim/moments.js";
import type { PoaBatch } from "../../src/poa/batch.js";
import type { Branch, Logits } from "../../src/poa/branch.js";
import {
  elasticRole,
  globalObjective,
  intactRole,
  type LossWeights,
  localObjective,
  type Role,
  type Targets,
} from "../../src/poa/objective.js";
import {
  accumulateGradients,
  applyUpdate,
  clipBySubModule,
  type PoaState,
  poaStep,
  type StepSettings,
  teacherTargets,
} from "../../src/poa/step.js";
import { init, memory } from "../../src/runtime/context.js";
import { keep } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { gradcheck } from "../support/gradcheck.js";
import { gradientOf } from "../support/gradient.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";
import { tinyBatch, tinySettings, tinyState } from "../support/tiny-run.js";

/** Every number that a step may change, by name. */
function snapshot({ student, teacher, optimizer, classCentering, patchCentering }: PoaState): Map<string, number[]> {
  const centers = [...classCentering, ...patchCentering].flatMap((centering, i): [string, Tensor][] =>
    "center" in centering ? [[`center.${i}`, centering.center as Tensor]] : [],
  );
  const all: [string, StateTensor][] = [
    ...[...student.stateDict()].map(([name, x]): [string, Tensor] => [`student.${name}`, x]),
    ...[...teacher.stateDict()].map(([name, x]): [string, Tensor] => [`teacher.${name}`, x]),
    ...optimizer.stateDict(),
    ...centers,
  ];
  return new Map(all.map(([name, x]) => [name, Array.from(x.toArray())]));
}

const gradients = ({ student }: PoaState) =>
  new Map(student.namedParameters().map(([name, x]) => [name, Array.from(gradientOf(x))]));

function sameNumbers(actual: Map<string, number[]>, expected: Map<string, number[]>, tolerance: number): void {
  assert.equal([...actual.keys()], [...expected.keys()]);
  for (const [name, values] of expected) close(actual.get(name)!, values, tolerance, name);
}

/** What one student adds to the objective, in one pass. */
function objectiveOf(
  student: Branch,
  role: Role,
  { dropPath, ...lesson }: { batch: PoaBatch; targets: Targets; weights: LossWeights; dropPath: DropPath },
): Tensor {
  const output = student.forwardGlobal(lesson.batch, dropPath);
  const local = student.forwardLocal(lesson.batch.locals!, dropPath);
  return add(globalObjective(lesson, output, role).loss, localObjective(lesson, local, role).loss);
}

/** The fixed parts of a step: targets and what the intact student says. */
function fixedParts(
  state: PoaState,
  batch: PoaBatch,
  dropPath = tinySettings(state).dropPath.intact,
): [Targets, Logits] {
  return step(() =>
    noGrad((): [Targets, Logits] => {
      const { classes, patches } = teacherTargets(state, batch, 0.1);
      const targets = {
        classes: classes.map(({ swapped, summed }) => ({ swapped: keep(swapped), summed: keep(summed) })),
        patches: patches.map(keep),
      };
      const global = state.student.forwardGlobal(batch, dropPath).logits.map(keep);
      return [targets, { global, local: state.student.forwardLocal(batch.locals!, dropPath).map(keep) }];
    }),
  );
}

test("the gradient of a whole step is the derivative of its objective, targets held fixed", async () => {
  await initDouble();
  for (const separate of [false, true]) {
    const state = tinyState({ ibot: { separate_head: separate } });
    const { student } = state;
    const batch = tinyBatch();
    const subset = () => ({ rows: Int32Array.of(2, 0, 3), scale: 4 / 3 });
    const perSample = (rows: number) => ({
      scale: Float32Array.from({ length: rows }, (_, i) => (i % 3 === 0 ? 0 : 1.25)),
    });
    const settings = tinySettings(state, { dropPath: { intact: subset, elastic: perSample } });
    const { weights } = settings;
    const [targets, taught] = fixedParts(state, batch, subset);
    const parameters = student.namedParameters().map(([name, x]) => Object.assign(x, { name }));

    const lesson = { batch, targets, weights };
    const intactAlone = () => objectiveOf(student, intactRole(weights), { ...lesson, dropPath: subset });
    const elasticAlone = () => {
      const role = elasticRole(weights, 1, taught);
      return objectiveOf(student.slice(settings.elastic[0]), role, { ...lesson, dropPath: perSample });
    };
    const parts = [intactAlone, elasticAlone].map((fn) => {
      gradcheck(fn, parameters, { samples: separate ? 1 : 3 });
      step(() => fn().backward());
      const found = gradients(state);
      state.optimizer.discardGradients();
      return found;
    });
    accumulateGradients(state, batch, settings);
    const sum = new Map(
      [...parts[0]].map(([name, values]) => [name, values.map((value, i) => value + parts[1].get(name)![i])]),
    );
    sameNumbers(gradients(state), sum, 1e-10);
  }
});

test("the loss of a step is the objective of its parts", async () => {
  await initDouble();
  const state = tinyState();
  const batch = tinyBatch();
  const settings = tinySettings(state);
  const [targets, intact] = fixedParts(state, batch);
  const expected = step(() => {
    const { student } = state;
    const { weights } = settings;
    const lesson = { batch, targets, weights, dropPath: null };
    const elastic = objectiveOf(student.slice(settings.elastic[0]), elasticRole(weights, 1, intact), lesson);
    return objectiveOf(student, intactRole(weights), lesson).item() + elastic.item();
  });
  const { loss, logged, updated } = poaStep(state, [() => batch], settings);
  assert.ok(Math.abs(loss - expected) < 1e-12);
  assert.is(Object.keys(logged).length, 11);
  assert.ok(updated);
});

test("micro-batches average their gradients, losses and logs", async () => {
  await initDouble();
  const state = tinyState();
  const batches = [tinyBatch(1), tinyBatch(2), tinyBatch(3)];
  const settings = tinySettings(state, { clip: Number.POSITIVE_INFINITY });
  const single = batches.map((batch) => {
    const part = accumulateGradients(state, batch, settings);
    const found = gradients(state);
    state.optimizer.discardGradients();
    return { ...part, found };
  });
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / 3;
  for (const batch of batches) accumulateGradients(state, batch, settings, 1 / 3);
  const averaged = new Map(
    [...single[0].found].map(([name, values]) => [
      name,
      values.map((_, i) => mean(single.map(({ found }) => found.get(name)![i]))),
    ]),
  );
  sameNumbers(gradients(state), averaged, 1e-12);
  const norm = (prefix: string) =>
    Math.hypot(...[...averaged].flatMap(([name, values]) => (name.startsWith(prefix) ? values : [])));
  state.optimizer.discardGradients();

  const result = poaStep(
    state,
    batches.map((batch) => () => batch),
    settings,
  );
  assert.ok(Math.abs(result.loss - mean(single.map(({ loss }) => loss))) < 1e-12);
  for (const key in result.logged)
    assert.ok(Math.abs(result.logged[key] - mean(single.map(({ logged }) => logged[key]))) < 1e-12, key);
  for (const part of ["backbone", "dino_head"])
    assert.ok(Math.abs(result.gradientNorms[part] - norm(part)) < 1e-9, part);
});

test("each micro-batch is made when its turn comes, since they may share memory", async () => {
  await init();
  const state = tinyState();
  const order: string[] = [];
  const batch = tinyBatch();
  const dropPath = () => {
    order.push("forward");
    return {};
  };
  const makers = ["first", "second"].map((name) => () => {
    order.push(name);
    return batch;
  });
  poaStep(state, makers, tinySettings(state, { dropPath: { intact: dropPath, elastic: null } }));
  assert.equal([...order.filter((entry, i) => entry !== order[i - 1])], ["first", "forward", "second", "forward"]);
});

test("after the update the teacher is momentum · teacher + (1 − momentum) · new student", async () => {
  await initDouble();
  const state = tinyState();
  const before = snapshot(state);
  poaStep(state, [() => tinyBatch()], tinySettings(state, { momentum: 0.75 }));
  const after = snapshot(state);
  let moved = 0;
  for (const [name, values] of after) {
    if (!name.startsWith("teacher.")) continue;
    const student = after.get(name.replace("teacher.", "student."))!;
    values.forEach((value, i) => {
      assert.ok(Math.abs(value - (0.75 * before.get(name)![i] + 0.25 * student[i])) < 1e-12, name);
      moved += value === before.get(name)![i] ? 0 : 1;
    });
  }
  assert.ok(moved > 500);
});

test("a step whose images are not finite leaves weights, moments, teacher, centres and gradients as they were", async () => {
  await init();
  for (const centering of ["sinkhorn_knopp", "centering"] as const) {
    const state = tinyState({ train: { centering } });
    const settings = tinySettings(state);
    poaStep(state, [() => tinyBatch()], settings);
    const before = snapshot(state);
    const broken = tinyBatch();
    broken.globals.narrow(0, 1, 1).narrow(3, 2, 1).select(1, 0).write(new Array(8).fill(Number.NaN));
    for (const batches of [[broken], [tinyBatch(2), broken]]) {
      const { updated, loss } = poaStep(
        state,
        batches.map((batch) => () => batch),
        settings,
      );
      assert.is(updated, false);
      assert.ok(Number.isNaN(loss));
    }
    assert.equal(snapshot(state), before, centering);
    assert.ok(state.student.parameters().every((x) => x.grad() === null));
    assert.ok(poaStep(state, [() => tinyBatch(2)], settings).updated);
  }
});

test("a gradient that is not finite under a finite loss changes nothing either", async () => {
  await init();
  const state = tinyState();
  const before = snapshot(state);
  const weights = { lambda: 0.8, dino: 1e37, ibot: 0, koleo: 0 }; // the square of a gradient overflows, the loss does not
  const result = poaStep(state, [() => tinyBatch()], tinySettings(state, { weights }));
  assert.ok(Number.isFinite(result.loss), `${result.loss}`);
  assert.not.ok(Number.isFinite(result.gradientNorms.dino_head));
  assert.is(result.updated, false);
  assert.equal(snapshot(state), before);
});

test("a throw in a later micro-batch leaves no gradient and no centre behind", async () => {
  await init();
  const state = tinyState({ train: { centering: "centering" } });
  const before = snapshot(state);
  const failing = () => {
    throw new Error("no such image");
  };
  assert.throws(() => poaStep(state, [() => tinyBatch(), failing], tinySettings(state)), "no such image");
  assert.equal(snapshot(state), before);
  assert.ok(state.student.parameters().every((x) => x.grad() === null));
});

test("two steps from the same state give the same bits, with stochastic depth too", async () => {
  await init();
  const run = (centering: "centering" | "sinkhorn_knopp") => {
    const state = tinyState({ train: { centering }, student: { drop_path_rate: 0.5 } as object });
    const rng = new Rng(5);
    const dropPath = { intact: stochasticDepth(rng.fork(0)), elastic: stochasticDepth(rng.fork(1)) };
    const results = [1, 2, 3].map((seed) => poaStep(state, [() => tinyBatch(seed)], tinySettings(state, { dropPath })));
    return { results, state: snapshot(state) };
  };
  for (const centering of ["centering", "sinkhorn_knopp"] as const) assert.equal(run(centering), run(centering));
});

test("training lowers the loss, and many steps hold no byte more than few", async () => {
  await init();
  const state = tinyState();
  const settings = tinySettings(state, { lr: 0.003, lastLayerLr: 0.003, weightDecay: 0, momentum: 0.99 });
  const losses: number[] = [];
  const batch = tinyBatch();
  const run = (steps: number) => {
    for (let i = 0; i < steps; i++) losses.push(poaStep(state, [() => batch], settings).loss);
    return memory();
  };
  const early = run(5);
  assert.equal(run(45), early);
  assert.ok(losses[49] < 0.9 * losses[0], `${losses[0]} to ${losses[49]}`);
});

test("of the teacher's pass only its targets remain while the students run", async () => {
  await init();
  const state = tinyState();
  const batch = tinyBatch();
  const whole = step(() =>
    noGrad(() => {
      teacherTargets(state, batch, 0.1);
      return memory().stepBytes;
    }),
  );
  const atFirstBlock: number[] = [];
  const dropPath = () => {
    atFirstBlock.push(memory().stepBytes);
    return {};
  };
  accumulateGradients(state, batch, tinySettings(state, { dropPath: { intact: dropPath, elastic: null } }));
  assert.ok(atFirstBlock[0] < whole / 2, `${atFirstBlock[0]} of ${whole}`);
});

test("backbone and heads are clipped on their own; their names are those of the parts", async () => {
  await initDouble();
  const state = tinyState({ ibot: { separate_head: true } });
  accumulateGradients(state, tinyBatch(), tinySettings(state));
  const before = gradients(state);
  const norms = clipBySubModule(state.student, 0.1);
  assert.equal(Object.keys(norms), ["backbone", "dino_head", "ibot_head"]);
  for (const [name, values] of gradients(state)) {
    const norm = norms[name.split(".")[0]];
    assert.ok(norm > 0.1);
    const clipped = before.get(name)!.map((value) => (value * 0.1) / (norm + 1e-6));
    close(values, clipped, 1e-12, name);
  }
});

test("a last layer at rate zero stays while the rest moves, and an unused mask token stays with its moments", async () => {
  await init();
  const state = tinyState();
  const before = snapshot(state);
  poaStep(state, [() => tinyBatch(1, { masked: false })], tinySettings(state, { lastLayerLr: 0 }));
  const after = snapshot(state);
  for (const { name } of state.optimizer.groups.flatMap(({ parameters }) => parameters)) {
    const still = name.includes("last_layer") || name.endsWith("mask_token");
    assert.is(
      before.get(`student.${name}`)!.every((value, i) => value === after.get(`student.${name}`)![i]),
      still,
      name,
    );
  }
  assert.equal(after.get("backbone.mask_token.step"), [0]);
  assert.equal(after.get("dino_head.last_layer0.weight_g.step"), [1]);
});

test("an update without gradients moves only the teacher", async () => {
  await init();
  const state = tinyState();
  const before = snapshot(state);
  applyUpdate(state, { lr: 1, lastLayerLr: 1, weightDecay: 1, momentum: 0 });
  const after = snapshot(state);
  for (const [name, values] of after) {
    const expected = before.get(name.replace("teacher.", "student."))!;
    if (name.startsWith("teacher.")) close(values, expected, 1e-6, name);
    else assert.equal(values, before.get(name), name);
  }
});

test("who observes a step is shown the teacher's features and targets of each micro-batch, and changes no bit", async () => {
  await init();
  const run = (observe?: StepSettings["observe"]) => {
    const state = tinyState();
    const settings = tinySettings(state, { observe });
    const result = poaStep(state, [() => tinyBatch(1), () => tinyBatch(2)], settings);
    return JSON.stringify([result, [...state.student.stateDict().values()].map((x) => [...x.toArray()])]);
  };
  const seen: { images: number; features: number[]; shapes: (readonly number[])[]; rows: number[] }[] = [];
  const watched = run(({ images, features, targets }) => {
    const [row] = targets.map((x) => [...x.toArray()].slice(0, 6).reduce((sum, value) => sum + value, 0));
    seen.push({ images, features: [...features.toArray()], shapes: targets.map(({ shape }) => shape), rows: [row] });
  });
  assert.ok(watched === run());
  assert.is(seen.length, 2);
  for (const { images, features, shapes, rows } of seen) {
    assert.is(images, 2);
    assert.is(features.length, 4 * 8);
    assert.equal(shapes, [
      [4, 6],
      [4, 5],
    ]);
    assert.ok(Math.abs(rows[0] - 1) < 1e-5);
  }
  assert.not.equal(seen[0].features, seen[1].features);
  const state = tinyState();
  const own = step(() => [...state.teacher.backbone.classToken(tinyBatch(1).globals).toArray()]);
  assert.equal(seen[0].features, own);
});
