import type { BenchCase } from "../../src/cli/bench/case.js";
import { product } from "../../src/ops/product.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { type ProductShape, products } from "../shapes.js";

/** Products as the ops launch them: packing included, operands dense. */
export const cases: readonly BenchCase[] = products.map((shape) => ({
  name: `gemm ${shape.kind} ${shape.m}x${shape.k}x${shape.n} ${shape.at}`,
  unit: "GFLOP/s",
  work: 2 * shape.m * shape.k * shape.n,
  prepare: () => prepare(shape),
}));

function prepare({ kind, m, k, n }: ProductShape): () => void {
  const rng = new Rng(0);
  const random = (count: number) =>
    fromArray(
      Float32Array.from({ length: count }, () => rng.uniform(-1, 1)),
      [count],
    );
  const [a, b, c] = [random(m * k), random(k * n), empty([m * n])];
  const [aRow, aCol] = kind === "TN" ? [1, m] : [k, 1];
  const [bRow, bCol] = kind === "NT" ? [1, k] : [n, 1];
  const call = { m, n, k, a: a.ptr, aRow, aCol, b: b.ptr, bRow, bCol, beta: 0, c: c.ptr, ldc: n };
  return () => product(call);
}
