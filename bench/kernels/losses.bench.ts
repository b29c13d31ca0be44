import type { BenchCase } from "../../src/cli/bench/case.js";
import { kernels } from "../../src/runtime/launch.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";

/** Logits of a head: samples and prototypes. */
const shapes: readonly [rows: number, cols: number][] = [
  [256, 65536],
  [256, 1024],
];

/** Addresses of [rows, cols] and of rows; every number is in (0, 1). */
interface Operands {
  readonly rows: number;
  readonly cols: number;
  readonly logits: number;
  readonly targets: number;
  readonly gradient: number;
  readonly columns: number;
  readonly perRow: readonly [number, number, number];
  readonly upstream: number;
}

function operandsOf(rows: number, cols: number): Operands {
  const rng = new Rng(0);
  const random = (count: number) =>
    fromArray(
      Float32Array.from({ length: count }, () => rng.uniform(0.1, 1)),
      [count],
    ).ptr;
  return {
    rows,
    cols,
    logits: random(rows * cols),
    targets: random(rows * cols),
    gradient: empty([rows * cols]).ptr,
    columns: random(cols),
    perRow: [random(rows), random(rows), random(rows)],
    upstream: random(1),
  };
}

/**
 * What each call does, and the bytes that it must move for each logit if nothing stays in a cache: a loss reads logits and
 * targets once, its gradient too and writes one more matrix. A row of logits stays in the second cache over its passes.
 */
const calls: readonly [name: string, bytes: number, (operands: Operands) => void][] = [
  ["scaled copy", 8, ({ rows, cols, logits, gradient }) => kernels.scale_f32(rows * cols, 1, logits, 0, gradient)],
  [
    "cross entropy",
    8,
    ({ rows, cols, logits, targets, perRow }) =>
      kernels.cross_entropy_f32(rows, cols, logits, cols, 0.1, targets, cols, rows, 0, 1, ...perRow),
  ],
  [
    "cross entropy gradient",
    12,
    ({ rows, cols, logits, targets, perRow: [, lse, sum], upstream, gradient }) =>
      kernels.cross_entropy_grad_f32(
        ...[rows, cols, logits, cols, 0.1, targets, cols, rows, 0, lse, sum, 1, upstream, 0, gradient, cols],
      ),
  ],
  [
    "distillation",
    8,
    ({ rows, cols, logits, targets, perRow }) =>
      kernels.distill_f32(rows, cols, logits, cols, targets, cols, 0.1, 1, ...perRow),
  ],
  [
    "distillation gradient",
    12,
    ({ rows, cols, logits, targets, perRow: [, student, teacher], upstream, gradient }) =>
      kernels.distill_grad_f32(
        ...[rows, cols, logits, cols, targets, cols, 0.1, student, teacher, 1, upstream, 0, gradient, cols],
      ),
  ],
  [
    "sinkhorn exponentials",
    8,
    ({ rows, cols, logits, upstream, gradient }) =>
      kernels.sinkhorn_exp_f32(rows * cols, logits, 0.05, upstream, gradient),
  ],
  [
    "sinkhorn columns",
    4,
    ({ rows, cols, logits, columns, perRow: [scale] }) => {
      kernels.sinkhorn_column_sums_f32(cols, rows, logits, scale, columns);
      kernels.sinkhorn_shares_f32(cols, columns, rows / cols, columns);
    },
  ],
  [
    "sinkhorn rows",
    4,
    ({ rows, cols, logits, columns, perRow: [scale] }) => kernels.sinkhorn_rows_f32(rows, cols, logits, columns, scale),
  ],
  [
    "sinkhorn scaling",
    8,
    ({ rows, cols, columns, perRow: [scale], gradient }) =>
      kernels.sinkhorn_scale_f32(rows, cols, scale, columns, gradient),
  ],
];

export const cases: readonly BenchCase[] = shapes.flatMap(([rows, cols]) =>
  calls.map(([name, bytes, call]) => ({
    name: `${name} ${rows}x${cols}`,
    unit: "GB/s",
    work: bytes * rows * cols,
    prepare: () => {
      const operands = operandsOf(rows, cols);
      return () => call(operands);
    },
  })),
);
