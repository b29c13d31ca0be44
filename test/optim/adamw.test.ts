import * as assert from "uvu/assert";
import { gradTarget, seedGradient } from "../../src/autograd/gradient.js";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, ShapeError } from "../../src/errors.js";
import { Module } from "../../src/nn/module.js";
import { AdamW } from "../../src/optim/adamw.js";
import { clipGradients } from "../../src/optim/clip.js";
import { ema } from "../../src/optim/ema.js";
import { init } from "../../src/runtime/context.js";
import { parameter } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { numbers } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

function weight(values: ArrayLike<number>): Tensor {
  const x = parameter([values.length], () => 0);
  x.write(values);
  return x;
}

const give = (x: Tensor, gradient: ArrayLike<number>) => step(() => seedGradient(x, gradient));
const group = (name: string, tensor: Tensor, rest = {}) => {
  return { parameters: [{ name, tensor }], lrMultiplier: 1, wdMultiplier: 1, isLastLayer: false, ...rest };
};

/** The update of one number, written out in double precision. */
class PlainAdamW {
  private m = 0;
  private v = 0;
  private t = 0;

  next(p: number, g: number, lr: number, wd: number): number {
    this.t++;
    this.m = 0.9 * this.m + 0.1 * g;
    this.v = 0.999 * this.v + 0.001 * g * g;
    const denominator = Math.sqrt(this.v) / Math.sqrt(1 - 0.999 ** this.t) + 1e-8;
    return p * (1 - lr * wd) - ((lr / (1 - 0.9 ** this.t)) * this.m) / denominator;
  }
}

test("five steps follow the published update to double precision", async () => {
  await initDouble();
  const p = weight([0.5, -2, 1]);
  const optimizer = new AdamW([p], { lr: 0.1, weightDecay: 0.05 });
  const expected = [0.5, -2, 1];
  const plain = expected.map(() => new PlainAdamW());
  for (let s = 0; s < 5; s++) {
    const gradient = numbers([3], s);
    give(p, gradient);
    optimizer.update();
    expected.forEach((value, i) => {
      expected[i] = plain[i].next(value, gradient[i], 0.1, 0.05);
    });
    p.toArray().forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]) < 1e-12, `step ${s}, entry ${i}: ${value}, expected ${expected[i]}`);
    });
  }
});

test("in single precision fifty steps stay close to the same update", async () => {
  await init();
  const p = weight([0.5]);
  const optimizer = new AdamW([p]);
  const plain = new PlainAdamW();
  let expected = 0.5;
  for (let s = 0; s < 50; s++) {
    const [g] = numbers([1], s);
    give(p, [g]);
    optimizer.update({ lr: 0.01, weightDecay: 0.1 });
    expected = plain.next(expected, g, 0.01, 0.1);
  }
  assert.ok(Math.abs(p.item() - expected) < 2e-6, `${p.item()}, expected ${expected}`);
});

class Net extends Module {
  readonly used = parameter([1500], () => 0);
  readonly idle = parameter([7], () => 0);

  constructor(seed: number) {
    super();
    this.used.write(numbers([1500], seed));
    this.idle.write(numbers([7], seed + 1));
  }
}

test("a teacher that follows the update has the bits of a moving average after it", async () => {
  await init();
  const [together, apart] = [0, 1].map(() => ({ teacher: new Net(1), student: new Net(3) }));
  for (const { student } of [together, apart]) give(student.used, numbers([1500], 5));
  new AdamW(together.student.parameters()).update({ lr: 0.1 }, { ...together, momentum: 0.9 });
  new AdamW(apart.student.parameters()).update({ lr: 0.1 });
  ema(apart.teacher, apart.student, 0.9);
  for (const name of ["used", "idle"] as const) {
    assert.equal(together.student[name].toArray(), apart.student[name].toArray());
    assert.equal(together.teacher[name].toArray(), apart.teacher[name].toArray());
    assert.not.equal(together.teacher[name].toArray(), new Net(1)[name].toArray(), `${name} has not moved`);
  }
});

test("two teachers' parameters may follow one shared weight", async () => {
  await init();
  const shared = weight([1, 2]);
  class Tied extends Module {
    readonly first: Tensor;
    readonly second: Tensor;
    constructor(first: Tensor, second: Tensor) {
      super();
      this.first = first;
      this.second = second;
    }
  }
  const [teacher, student] = [new Tied(weight([0, 0]), weight([4, 4])), new Tied(shared, shared)];
  give(shared, [1, 1]);
  new AdamW([shared]).update({ lr: 0.5, weightDecay: 0 }, { teacher, student, momentum: 0 });
  for (const x of [teacher.first, teacher.second]) assert.equal(x.toArray(), shared.toArray());
});

test("a teacher of other parameters is refused before anything moves", async () => {
  await init();
  const [student, teacher] = [new Net(1), new (class extends Module {})()];
  give(student.used, numbers([1500], 5));
  const before = student.used.toArray();
  const optimizer = new AdamW(student.parameters());
  assert.throws(
    () => optimizer.update({}, { teacher, student, momentum: 0.9 }),
    (error: Error) => error instanceof ShapeError,
  );
  assert.equal(student.used.toArray(), before);
});

test("a parameter without gradient keeps weight, moments and step count", async () => {
  await initDouble();
  const [used, idle] = [weight([1]), weight([1])];
  const optimizer = new AdamW([group("used", used), group("idle", idle)], { lr: 0.1, weightDecay: 0.5 });
  for (let s = 0; s < 3; s++) {
    give(used, [1]);
    if (s === 2) give(idle, [1]);
    optimizer.update();
    if (s < 2) assert.is(idle.item(), 1);
  }
  const state = optimizer.stateDict();
  assert.is(state.get("used.step")!.item(), 3);
  assert.is(state.get("idle.step")!.item(), 1);
  assert.ok(Math.abs(idle.item() - (1 - 0.05 - 0.1)) < 1e-7, "its first step is corrected as a first step");
});

test("an update consumes the gradients", async () => {
  await init();
  const p = weight([1]);
  const optimizer = new AdamW([p]);
  give(p, [1]);
  optimizer.update();
  assert.is(p.grad(), null);
  assert.equal(gradTarget(p)!.beta, 0, "the next gradient starts afresh");
});

test("discarded gradients change nothing", async () => {
  await init();
  const p = weight([1]);
  const optimizer = new AdamW([p]);
  give(p, [1]);
  optimizer.discardGradients();
  optimizer.update();
  assert.is(p.item(), 1);
  assert.is(optimizer.stateDict().get("0.step")!.item(), 0);
});

test("groups scale learning rate and weight decay, and the last layer has its own rate", async () => {
  await initDouble();
  const tensors = [1, 1, 1].map((value) => weight([value]));
  const [slow, undecayed, last] = tensors;
  const optimizer = new AdamW([
    group("slow", slow, { lrMultiplier: 0.1 }),
    group("undecayed", undecayed, { wdMultiplier: 0 }),
    group("last", last, { isLastLayer: true }),
  ]);
  for (const x of tensors) give(x, [2]);
  optimizer.update({ lr: 0.2, lastLayerLr: 0, weightDecay: 0.5 });
  const close = (x: Tensor, expected: number) =>
    assert.ok(Math.abs(x.item() - expected) < 1e-7, `${x.item()}, expected ${expected}`);
  close(slow, 1 - 0.02 * 0.5 - 0.02);
  close(undecayed, 1 - 0.2);
  close(last, 1);
  assert.ok(optimizer.stateDict().get("last.exp_avg")!.item() > 0.19, "a frozen layer still gathers its moments");
});

test("a clipped gradient is scaled while it is read", async () => {
  await initDouble();
  const [clipped, scaled] = [weight([1, 1]), weight([1, 1])];
  const optimizer = new AdamW([group("clipped", clipped), group("scaled", scaled)]);
  give(clipped, [3, 4]);
  assert.ok(Math.abs(clipGradients([clipped], 1) - 5) < 1e-12);
  give(scaled, [3 / 5.000001, 4 / 5.000001]);
  optimizer.update();
  const [a, b] = ["clipped", "scaled"].map((name) => optimizer.stateDict().get(`${name}.exp_avg_sq`)!.toArray());
  a.forEach((value, i) => {
    assert.ok(Math.abs(value - b[i]) < 1e-15);
  });
});

test("a run continued from its saved state has the bits of one that was not interrupted", async () => {
  await init();
  const [p, q] = [weight(numbers([37], 1)), parameter([37], () => 0)];
  const optimizer = new AdamW([p]);
  for (let s = 0; s < 3; s++) {
    give(p, numbers([37], s));
    optimizer.update();
  }
  q.write(p.toArray());
  const resumed = new AdamW([q]);
  resumed.loadStateDict(
    new Map([...optimizer.stateDict()].map(([name, x]) => [name, { shape: x.shape, data: x.toArray() }])),
  );
  for (const [x, other] of [
    [p, optimizer],
    [q, resumed],
  ] as const) {
    give(x, numbers([37], 9));
    other.update();
  }
  assert.equal(q.toArray(), p.toArray());
});

test("a state that does not fit is refused with every difference named", async () => {
  await init();
  const optimizer = new AdamW([group("w", weight([1, 2]))]);
  const state = new Map([
    ["w.exp_avg", { shape: [3], data: [0, 0, 0] }],
    ["v.exp_avg", { shape: [2], data: [0, 0] }],
    ["w.step", { shape: [], data: [7] }],
  ]);
  const named = (error: Error) =>
    error instanceof ShapeError &&
    /unexpected v.exp_avg; w.exp_avg is \[3\], expected \[2\]; missing w.exp_avg_sq/.test(error.message);
  assert.throws(() => optimizer.loadStateDict(state), named);
  assert.is(optimizer.stateDict().get("w.step")!.item(), 0, "nothing was loaded");
});

test("repeated parameters, repeated names and views are refused", async () => {
  await init();
  const p = weight([1, 2]);
  const isConfig = (pattern: RegExp) => (error: Error) => error instanceof ConfigError && pattern.test(error.message);
  assert.throws(() => new AdamW([p, p]), isConfig(/1 comes twice/));
  assert.throws(() => new AdamW([group("a", p), group("a", weight([1]))]), isConfig(/two parameters are named a/));
  assert.throws(
    () => new AdamW([parameter([2, 4], () => 0).narrow(1, 0, 2)]),
    isConfig(/0 \[2, 2\] f32 must be a dense f32 tensor/),
  );
});

test("its memory can be given back", async () => {
  const { persistent } = await init();
  const p = weight(new Float64Array(1000));
  const before = persistent.usedBytes;
  const optimizer = new AdamW([p]);
  assert.ok(persistent.usedBytes >= before + 8000);
  optimizer.dispose();
  assert.is(persistent.usedBytes, before);
});
