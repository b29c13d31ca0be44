import * as assert from "uvu/assert";
import { ConfigError, ShapeError } from "../../src/errors.js";
import type { LinearInput } from "../../src/eval/linear-inputs.js";
import { LinearProbe, type LinearProbeOptions, PROBE_LEARNING_RATES } from "../../src/eval/linear-probe.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { numbers } from "../support/gradcheck.js";
import { jsonFixture } from "../support/json-fixture.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

await init();

const inputs: LinearInput[] = [
  { layers: 1, pooled: false, first: 2, length: 3 },
  { layers: 2, pooled: true, first: 0, length: 7 },
];
const plan: LinearProbeOptions = { inputs, classes: 3, iterations: 6, batchSize: 4, learningRates: [0.5, 20], seed: 3 };

/** Rows and labels of a step. */
function batch(number: number): [Tensor, Int32Array] {
  return [fromArray(numbers([4, 7], number), [4, 7]), Int32Array.from({ length: 4 }, (_, i) => (i + number) % 3)];
}

function train(probe: LinearProbe, until = plan.iterations): LinearProbe {
  while (probe.iteration < until) {
    const [rows, labels] = batch(probe.iteration);
    probe.step(rows, labels);
    rows.dispose();
  }
  return probe;
}

const stateOf = (probe: LinearProbe) =>
  new Map([...probe.stateDict()].map(([name, x]) => [name, { shape: x.shape, data: x.toArray() }]));
const numbersOf = (probe: LinearProbe) => [...stateOf(probe)].map(([name, { data }]) => [name, [...data]]);

interface Reference {
  readonly rows: number[][][];
  readonly labels: number[][];
  readonly losses: number[];
  readonly classifiers: { name: string; start: number[][]; weight: number[][]; bias: number[] }[];
}

test("steps are those of the definition: SGD with momentum 0.9 on a cosine, learning rates times batch / 256", () => {
  const reference = jsonFixture<Reference>("linear-probe.json");
  const probe = new LinearProbe(plan);
  const start = stateOf(probe);
  assert.equal(
    reference.classifiers.map(({ name }) => `${name}.weight`),
    [...start.keys()].filter((name) => name.endsWith(".weight")),
  );
  for (const { name, start: weight } of reference.classifiers) start.get(`${name}.weight`)!.data.set(weight.flat());
  probe.loadStateDict(start, 0);
  reference.losses.forEach((expected, i) => {
    const rows = fromArray(reference.rows[i].flat(), [4, 7]);
    close([probe.step(rows, Int32Array.from(reference.labels[i]))], [expected], 1e-6, "loss");
    rows.dispose();
  });
  reference.classifiers.forEach(({ name, weight, bias }, i) => {
    close(probe.classifiers[i].weight.toArray(), weight.flat(), 2e-6, `${name}.weight`);
    close(probe.classifiers[i].bias.toArray(), bias, 2e-6, `${name}.bias`);
  });
  assert.ok(probe.finished);
  probe.dispose();
});

test("no classifier depends on the others, nor on how many there are", () => {
  const together = train(new LinearProbe(plan));
  const alone = new LinearProbe({ ...plan, inputs: [inputs[1]], learningRates: [20] });
  const start = stateOf(new LinearProbe(plan));
  const own = new Map([...alone.stateDict().keys()].map((name) => [name, start.get(name)!]));
  alone.loadStateDict(own, 0);
  train(alone);
  const expected = stateOf(together);
  for (const [name, { data }] of stateOf(alone)) close(data, expected.get(name)!.data, 1e-6, name);
});

test("weights start as N(0, 0.01²), biases as 0; a function of the seed", () => {
  const wide = { ...plan, classes: 40, inputs: [{ layers: 1, pooled: false, first: 0, length: 250 }] };
  const probe = new LinearProbe(wide);
  const [first, second] = probe.classifiers.map(({ weight }) => [...weight.toArray()]);
  const deviation = Math.sqrt(first.reduce((sum, w) => sum + w * w, 0) / first.length);
  assert.ok(Math.abs(deviation - 0.01) < 3e-4, `${deviation}`);
  assert.ok(Math.abs(first.reduce((sum, w) => sum + w, 0) / first.length) < 3e-4);
  assert.not.equal(first, second);
  assert.ok(probe.classifiers.every(({ bias }) => bias.toArray().every((b) => b === 0)));
  assert.equal(numbersOf(new LinearProbe(wide)), numbersOf(probe));
  assert.not.equal(numbersOf(new LinearProbe({ ...wide, seed: 4 })), numbersOf(probe));
});

test("the usual grid has 13 learning rates from 1e-5 to 0.1", () => {
  const powers = [-5, -4, -3, -2].flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  assert.equal(PROBE_LEARNING_RATES, [...powers, 0.1]);
  const probe = new LinearProbe({ inputs, classes: 2, iterations: 1, batchSize: 1 });
  assert.is(probe.classifiers.length, 26);
  assert.equal(
    probe.classifiers.map(({ learningRate }) => learningRate),
    [...PROBE_LEARNING_RATES, ...PROBE_LEARNING_RATES],
  );
});

test("a probe that is saved and loaded on the way ends with the same bits", () => {
  const whole = train(new LinearProbe(plan));
  const stopped = train(new LinearProbe(plan), 2);
  const continued = new LinearProbe({ ...plan, seed: 99 });
  continued.loadStateDict(stateOf(stopped), 2);
  assert.equal(numbersOf(train(continued)), numbersOf(whole));
});

test("each classifier names the class of its highest score, the first of equal ones", () => {
  const probe = new LinearProbe({ ...plan, learningRates: [1] });
  const weights = [
    [1, 0, 0, 0, 1, 0, 0, 0, 0],
    [...[0, 0, 0, 0, 0, 0, 1], ...[1, 0, 0, 0, 0, 0, 0], ...[0, 0, 0, 0, 0, 0, 0]],
  ];
  probe.classifiers.forEach(({ weight }, i) => {
    weight.write(weights[i]);
  });
  probe.classifiers[1].bias.write([0, 0, 0.5]);
  const rows = fromArray(
    [
      ...[0, 0, 5, 1, 9, 0, 0], // scores 5, 1, 0 | 0, 0, 0.5
      ...[1, 0, 2, 3, 0, 0, 0], // 2, 3, 0 | 0, 1, 0.5
      ...[0, 0, -1, -1, 0, 0, 2], // −1, −1, 0 | 2, 0, 0.5
      ...[0, 0, 4, 4, 0, 0, 0.5], // 4, 4, 0 | 0.5, 0, 0.5
    ],
    [4, 7],
  );
  assert.equal(
    probe.predict(rows).map((classes) => [...classes]),
    [
      [0, 1, 2, 0],
      [2, 1, 0, 0],
    ],
  );
});

test("predictions of many rows are those of each alone", () => {
  const probe = train(new LinearProbe(plan));
  const values = numbers([1100, 7], 5);
  const together = probe.predict(fromArray(values, [1100, 7]));
  for (const row of [0, 511, 512, 1023, 1024, 1099]) {
    const alone = probe.predict(fromArray(values.slice(7 * row, 7 * row + 7), [1, 7]));
    assert.equal(
      alone.map(([label]) => label),
      together.map((labels) => labels[row]),
    );
  }
});

test("rows, states and numbers that do not fit are refused", () => {
  const probe = new LinearProbe(plan);
  const [rows] = batch(0);
  refuses(() => probe.step(rows.narrow(0, 0, 3), new Int32Array(3)), ShapeError, "expected 4 of them");
  refuses(() => probe.step(rows, Int32Array.of(0, 1, 2, 3)), ShapeError, "outside the 3 classes");
  refuses(() => probe.loadStateDict(new Map(), 0), ShapeError, "missing layers1.lr0.5.weight");
  refuses(() => new LinearProbe({ ...plan, classes: 0 }), ConfigError, "classes is 0");
  refuses(() => new LinearProbe({ ...plan, iterations: 1.5 }), ConfigError, "iterations is 1.5");
});

test("memory is given back", () => {
  const [rows, labels] = batch(0);
  const before = memory().persistentBytes;
  const probe = new LinearProbe(plan);
  probe.step(rows, labels);
  probe.predict(rows);
  probe.dispose();
  assert.is(memory().persistentBytes, before);
});
