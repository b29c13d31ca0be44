import type { BenchCase } from "../../src/cli/bench/case.js";
import { random, tracked } from "../../src/cli/bench/seeded.js";
import { gelu } from "../../src/ops/activation.js";
import { attention } from "../../src/ops/attention.js";
import { distillation, softCrossEntropy } from "../../src/ops/cross-entropy.js";
import { add } from "../../src/ops/elementwise.js";
import { gatherRows } from "../../src/ops/gather.js";
import { layerNorm } from "../../src/ops/layer-norm.js";
import { linear } from "../../src/ops/linear.js";
import { matmul } from "../../src/ops/matmul.js";
import { l2Normalize, weightNorm } from "../../src/ops/normalize.js";
import { patchify } from "../../src/ops/patchify.js";
import { residual } from "../../src/ops/residual.js";
import { softmax } from "../../src/ops/softmax.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { logitShapes, type TokenShape, tokenShapes } from "../shapes.js";
import { passes, type TimedOp } from "./passes.js";

/** Counted in elements of the input, both passes alike: of an op that moves more than it computes. */
function moving(name: string, elements: number, prepare: TimedOp["prepare"]): TimedOp {
  return { name, unit: "Melem/s", forwardWork: elements, backwardWork: elements, prepare };
}

/** Two products backward for each one forward. */
function computing(name: string, operations: number, prepare: TimedOp["prepare"]): TimedOp {
  return { name, unit: "GFLOP/s", forwardWork: operations, backwardWork: 2 * operations, prepare };
}

const of = (inputs: readonly Tensor[], op: () => Tensor) => ({ inputs, op });

const products: TimedOp[] = [64, 512].map((n) =>
  computing(`matmul ${n}x${n}x${n}`, 2 * n ** 3, () => {
    const [a, b] = [tracked([n, n], 1), tracked([n, n], 2)];
    return of([a, b], () => matmul(a, b));
  }),
);

function ofTokens({ at, images, tokens, width, headDim }: TokenShape): TimedOp[] {
  const rows = images * tokens;
  const size = `${rows}x${width} ${at}`;
  const heads = width / headDim;
  const hidden = 4 * width;
  const x = (cols = width) => tracked([rows, cols], 1);
  return [
    computing(`linear ${rows}x${width}x${hidden} ${at}`, 2 * rows * width * hidden, () => {
      const inputs = [x(), tracked([hidden, width], 2), tracked([hidden], 3)];
      return of(inputs, () => linear(inputs[0], inputs[1], inputs[2]));
    }),
    computing(`attention ${images * heads}x${tokens}x${headDim} ${at}`, 4 * rows * tokens * width, () => {
      const qkv = tracked([images, tokens, 3, heads, headDim], 1);
      return of([qkv], () => attention(qkv));
    }),
    moving(`gelu ${rows}x${hidden} ${at}`, rows * hidden, () => {
      const input = x(hidden);
      return of([input], () => gelu(input));
    }),
    moving(`layerNorm ${size}`, rows * width, () => {
      const [input, weight, bias] = [x(), tracked([width], 2), tracked([width], 3)];
      return of([input, weight, bias], () => layerNorm(input, weight, bias));
    }),
    moving(`residual ${size}`, rows * width, () => {
      const [input, branch, gamma] = [x(), tracked([rows, width], 2), tracked([width], 3)];
      return of([input, branch, gamma], () => residual(input, branch, { gamma }));
    }),
    moving(`add ${size}`, rows * width, () => {
      const [a, b] = [x(), tracked([rows, width], 2)];
      return of([a, b], () => add(a, b));
    }),
    moving(`l2Normalize ${size}`, rows * width, () => {
      const input = x();
      return of([input], () => l2Normalize(input));
    }),
    moving(`gatherRows ${rows / 4}x${width} ${at}`, (rows / 4) * width, () => {
      const input = x();
      const index = Int32Array.from({ length: rows / 4 }, (_, i) => 4 * i);
      return of([input], () => gatherRows(input, index));
    }),
  ];
}

function ofLogits({ at, rows, cols }: (typeof logitShapes)[number]): TimedOp[] {
  const size = `${rows}x${cols} ${at}`;
  const x = () => tracked([rows, cols], 1);
  return [
    moving(`softmax ${size}`, rows * cols, () => {
      const input = x();
      return of([input], () => softmax(input, { temperature: 0.1 }));
    }),
    moving(`softCrossEntropy ${size}`, rows * cols, () => {
      const [input, targets] = [x(), random([rows, cols], 2)];
      return of([input], () => softCrossEntropy(input, targets, { temperature: 0.1 }));
    }),
    moving(`distillation ${size}`, rows * cols, () => {
      const [input, teacher] = [x(), random([rows, cols], 2)];
      return of([input], () => distillation(input, teacher, { temperature: 0.1 }));
    }),
    moving(`weightNorm ${cols}x256 ${at}`, cols * 256, () => {
      const [v, g] = [tracked([cols, 256], 1), tracked([cols], 2)];
      return of([v, g], () => weightNorm(v, g));
    }),
  ];
}

const images = moving("patchify 16x3x96x96 patch 8", 16 * 3 * 96 * 96, () => {
  const input = tracked([16, 3, 96, 96], 1);
  return of([input], () => patchify(input, 8));
});

export const cases: readonly BenchCase[] = [
  ...products,
  ...tokenShapes.flatMap(ofTokens),
  ...logitShapes.flatMap(ofLogits),
  images,
].flatMap(passes);
