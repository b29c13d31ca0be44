import * as assert from "uvu/assert";
import { DataError, ShapeError } from "../../src/errors.js";
import { fitPca, projectOnto } from "../../src/eval/whitened-pca.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { close } from "../support/close.js";
import { jsonFixture } from "../support/json-fixture.js";
import { seeded } from "../support/kernels.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

await init();

const fixture = jsonFixture<{
  rows: number[][];
  mean: number[];
  variances: number[];
  directions: number[][];
  projected: number[][];
  whitened: number[][];
}>("eval/pca.json");
const rows = fromArray(fixture.rows.flat(), [40, 10]);

test("mean, variances and directions are those of numpy's covariance", () => {
  const { mean, variances, directions } = fitPca(rows, 6);
  close(mean, fixture.mean, 1e-6);
  close(variances, fixture.variances.slice(0, 6), 1e-5);
  directions.forEach((direction, i) => {
    close(direction, fixture.directions[i], 1e-4, `direction ${i}`);
  });
});

test("coordinates are those of numpy, plain and whitened", () => {
  const pca = fitPca(rows, 6);
  for (const [whiten, expected] of [
    [false, fixture.projected],
    [true, fixture.whitened],
  ] as const) {
    const projected = projectOnto(pca, rows.narrow(0, 0, 5), { whiten });
    assert.equal(projected.shape, [5, 6]);
    close(projected.toArray(), expected.flat(), 3e-4);
    projected.dispose();
  }
});

test("whitened coordinates have variance 1 and do not vary together, over more rows than one block", () => {
  const next = seeded(8);
  const [count, width, k] = [1100, 12, 5];
  const values = Float32Array.from({ length: count * width }, (_, i) => (1 + (i % width)) * (next() - 0.5) + 100);
  const many = fromArray(values, [count, width]);
  const projected = projectOnto(fitPca(many, k), many, { whiten: true });
  const y = projected.toArray();
  for (let a = 0; a < k; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let n = 0; n < count; n++) sum += y[n * k + a] * y[n * k + b];
      close([sum / (count - 1)], [a === b ? 1 : 0], 2e-4, `${a}, ${b}`);
    }
  }
  projected.dispose();
  many.dispose();
});

test("rows that vary in two directions have two", () => {
  const next = seeded(1);
  const plane = Array.from({ length: 30 }, () => [next(), next()]).flatMap(([a, b]) => [a, b, a + b, a - b, 7]);
  assert.is(fitPca(fromArray(plane, [30, 5]), 5).directions.length, 2);
});

test("nothing but the coordinates stays in memory", () => {
  const before = memory();
  const projected = projectOnto(fitPca(rows, 3), rows);
  projected.dispose();
  assert.equal([memory().persistentBytes, memory().stepBytes], [before.persistentBytes, before.stepBytes]);
});

test("rows without variance, and a single row, are refused", () => {
  refuses(() => fitPca(fromArray([1, 2, 1, 2], [2, 2]), 1), DataError, "the 2 rows are all alike");
  refuses(() => fitPca(fromArray([1, 2], [1, 2]), 1), ShapeError, "expected a matrix of at least two rows");
});
