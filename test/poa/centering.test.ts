import * as assert from "uvu/assert";
import { noGrad, step } from "../../src/autograd/tape.js";
import { SoftmaxCentering, sinkhornCentering } from "../../src/poa/centering.js";
import { init, memory } from "../../src/runtime/context.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { leaf } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const rows = (x: Tensor) => {
  const values = Array.from(x.toArray());
  return Array.from({ length: x.shape[0] }, (_, i) => values.slice(i * x.shape[1], (i + 1) * x.shape[1]));
};
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

test("sinkhorn targets: rows sum to one, and many iterations share the rows evenly among prototypes", async () => {
  await initDouble();
  const logits = leaf([6, 4], 1);
  for (const [iterations, evenness] of [
    [3, 0.5],
    [200, 1e-9],
  ]) {
    const targets = rows(step(() => noGrad(() => sinkhornCentering(iterations).targets(logits, 0.2))));
    close(targets.map(sum), new Array(6).fill(1), 1e-12);
    const columns = [0, 1, 2, 3].map((k) => sum(targets.map((row) => row[k])));
    close(columns, new Array(4).fill(6 / 4), evenness);
  }
});

test("softmax targets: a batch moves the centre only for the next call", async () => {
  await initDouble();
  const centering = new SoftmaxCentering(3);
  const [first, second] = [leaf([4, 3], 1), leaf([2, 3], 2)];
  const temperature = 0.5;
  const expected = (logits: Tensor, center: number[]) =>
    rows(logits).flatMap((row) => {
      const e = row.map((value, k) => Math.exp((value - center[k]) / temperature));
      return e.map((value) => value / sum(e));
    });
  const targets = (logits: Tensor) => step(() => noGrad(() => centering.targets(logits, temperature))).toArray();
  const uncentred = expected(first, [0, 0, 0]);
  close(targets(first), uncentred, 1e-12);
  const moved = [0, 1, 2].map((k) => 0.1 * (sum(rows(first).map((row) => row[k])) / 4));
  close(centering.center.toArray(), moved, 1e-12);
  const wanted = expected(second, moved);
  close(targets(second), wanted, 1e-12);
  const again = moved.map((value, k) => 0.9 * value + 0.1 * (sum(rows(second).map((row) => row[k])) / 2));
  close(centering.center.toArray(), again, 1e-12);
});

test("the centre is a buffer: saved, not trained, and kept over steps", async () => {
  await init();
  const centering = new SoftmaxCentering(3);
  assert.equal([...centering.stateDict().keys()], ["center"]);
  assert.equal(centering.parameters(), []);
  const logits = leaf([4, 3], 1);
  const run = () => step(() => noGrad(() => centering.targets(logits, 0.1).numel));
  run();
  const { persistentBytes } = memory();
  for (let i = 0; i < 20; i++) run();
  assert.is(memory().persistentBytes, persistentBytes);
});

test("a mark goes back to where the centre stood", async () => {
  await init();
  const centering = new SoftmaxCentering(3);
  const run = (seed: number) => step(() => noGrad(() => centering.targets(leaf([4, 3], seed), 0.1).numel));
  run(1);
  const before = centering.center.toArray();
  const goBack = centering.mark();
  run(2);
  assert.not.equal(centering.center.toArray(), before);
  goBack();
  assert.equal(centering.center.toArray(), before);
  sinkhornCentering(3).mark()();
});
