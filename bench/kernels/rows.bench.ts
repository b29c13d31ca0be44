import type { BenchCase } from "../../src/cli/bench/case.js";
import { kernels } from "../../src/runtime/launch.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";

interface MatrixShape {
  /** Where it occurs. */
  readonly at: string;
  readonly rows: number;
  readonly cols: number;
}

/** Attention scores of ViT-S, batch 8, and of a ViT on 32-pixel images, were they kept. */
const scores: readonly MatrixShape[] = [
  { at: "ViT-S scores", rows: 9456, cols: 197 },
  { at: "cifar-tiny scores", rows: 8320, cols: 65 },
];

const tokens: readonly MatrixShape[] = [
  { at: "ViT-S tokens", rows: 1576, cols: 384 },
  { at: "cifar-tiny tokens", rows: 8320, cols: 96 },
];

const hidden: readonly MatrixShape[] = [
  { at: "ViT-S hidden", rows: 1576, cols: 1536 },
  { at: "cifar-tiny hidden", rows: 8320, cols: 384 },
];

/** Addresses of random operands, of results and of what belongs to rows and columns. */
interface Operands {
  readonly rows: number;
  readonly cols: number;
  readonly x: number;
  readonly dy: number;
  readonly y: number;
  readonly weight: number;
  readonly bias: number;
  /** Mean and 1/σ of each row. */
  readonly stats: number;
}

function operandsOf({ rows, cols }: MatrixShape): Operands {
  const rng = new Rng(0);
  const random = (count: number) =>
    fromArray(
      Float32Array.from({ length: count }, () => rng.normal()),
      [count],
    ).ptr;
  const stats = fromArray(
    Float32Array.from({ length: 2 * rows }, (_, i) => i % 2),
    [2 * rows],
  ).ptr;
  const [x, dy] = [random(rows * cols), random(rows * cols)];
  return { rows, cols, x, dy, y: empty([rows * cols]).ptr, weight: random(cols), bias: random(cols), stats };
}

const over = (shapes: readonly MatrixShape[], name: string, call: (operands: Operands) => void): BenchCase[] =>
  shapes.map((shape) => ({
    name: `${name} ${shape.rows}x${shape.cols} ${shape.at}`,
    unit: "Melem/s",
    work: shape.rows * shape.cols,
    prepare: () => {
      const operands = operandsOf(shape);
      return () => call(operands);
    },
  }));

export const cases: readonly BenchCase[] = [
  ...over(scores, "softmax", ({ rows, cols, x, y }) => kernels.softmax_f32(rows, cols, x, cols, 1, 0, y, cols)),
  ...over(scores, "softmax gradient", ({ rows, cols, x, dy, y }) =>
    kernels.softmax_grad_f32(rows, cols, 1, x, cols, dy, cols, 0, y, cols),
  ),
  ...over(tokens, "layer norm", ({ rows, cols, x, weight, bias, y, stats }) =>
    kernels.layer_norm_f32(rows, cols, x, cols, 1e-6, weight, bias, y, cols, stats),
  ),
  ...over(tokens, "layer norm input gradient", ({ rows, cols, x, stats, weight, dy, y }) =>
    kernels.layer_norm_grad_input_f32(rows, cols, x, cols, stats, weight, dy, cols, 0, y, cols),
  ),
  ...over(tokens, "layer norm weight gradient", ({ rows, cols, x, stats, weight, bias, dy }) =>
    kernels.layer_norm_grad_weight_f32(cols, rows, x, cols, stats, dy, cols, 0, weight, 0, bias),
  ),
  ...over(hidden, "gelu", ({ rows, cols, x, y }) => kernels.gelu_f32(rows * cols, x, y)),
  ...over(hidden, "gelu gradient", ({ rows, cols, x, dy, y }) => kernels.gelu_grad_f32(rows * cols, x, dy, 0, y)),
  ...over(hidden, "bias gradient", ({ rows, cols, dy, bias }) => kernels.column_sum_f32(cols, rows, dy, cols, 0, bias)),
  ...over(tokens, "residual", ({ rows, cols, x, dy, weight, y }) =>
    kernels.residual_f32(rows, cols, cols, x, dy, weight, 0, 0, y),
  ),
  ...over(tokens, "residual branch gradient", ({ rows, cols, dy, weight, y }) =>
    kernels.residual_grad_branch_f32(rows, cols, cols, dy, weight, 0, 0, 0, y),
  ),
  ...over(tokens, "residual layer scale gradient", ({ rows, cols, x, dy, weight }) =>
    kernels.residual_grad_gamma_f32(cols, cols, rows, dy, x, 0, 0, 0, weight),
  ),
];
