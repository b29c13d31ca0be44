import { step } from "../../autograd/tape.js";
import { gelu } from "../../ops/activation.js";
import { attention } from "../../ops/attention.js";
import { conv2d } from "../../ops/conv2d.js";
import { add } from "../../ops/elementwise.js";
import { keepInt8 } from "../../ops/int8.js";
import { layerNorm } from "../../ops/layer-norm.js";
import { linear } from "../../ops/linear.js";
import { softmax } from "../../ops/softmax.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { BenchCase, Unit } from "./case.js";
import { random } from "./seeded.js";

/** Tokens of a ViT-S/16 at 224 pixels, and its width. */
const [TOKENS, WIDTH] = [197, 384];
/** Numbers that are read and written once each: more than caches hold. */
const MANY = 1 << 24;

/** What a kernel is timed on, made when its turn comes: the tensors that it reads, and the op. */
interface TimedOp {
  readonly inputs: readonly Tensor[];
  readonly op: () => Tensor;
}

function timed(name: string, unit: Unit, work: number, make: () => TimedOp): BenchCase {
  return {
    name,
    unit,
    work,
    prepare: () => {
      const { inputs, op } = make();
      return {
        run: () => step(() => void op()),
        dispose: () => {
          for (const x of inputs) x.dispose();
        },
      };
    },
  };
}

function linearCase(rows: number, into: number, out: number, { int8 = false } = {}): BenchCase {
  const name = `linear${int8 ? " int8" : ""} ${rows}x${into}x${out}`;
  return timed(name, "GFLOP/s", 2 * rows * into * out, () => {
    const [x, weight, bias] = [random([rows, into], 1), random([out, into], 2), random([out], 3)];
    if (int8) keepInt8(weight);
    return { inputs: [x, weight, bias], op: () => linear(x, weight, bias) };
  });
}

function convCase(side: number, channels: number, taps: number): BenchCase {
  const name = `conv ${taps}x${taps} ${side}x${side}x${channels}`;
  return timed(name, "GFLOP/s", 2 * side * side * channels * channels * taps * taps, () => {
    const x = random([1, side, side, channels], 1);
    const weight = random([channels, channels, taps, taps], 2);
    return { inputs: [x, weight], op: () => conv2d(x, weight, null, { padding: taps >> 1 }) };
  });
}

const attentionCase = (heads: number, dim: number): BenchCase =>
  timed(`attention ${TOKENS} tokens, ${heads} heads of ${dim}`, "GFLOP/s", 4 * heads * dim * TOKENS ** 2, () => {
    const qkv = random([1, TOKENS, 3, heads, dim], 1);
    return { inputs: [qkv], op: () => attention(qkv) };
  });

/** A kernel that reads `reads` numbers and writes one for each result. */
function movingCase(name: string, count: number, reads: number, make: () => TimedOp): BenchCase {
  return timed(name, "GB/s", 4 * (reads + 1) * count, make);
}

const ROWS = MANY / WIDTH / 4;
const rows = [Math.floor(ROWS), WIDTH] as const;

/**
 * What the host's time goes to, in sizes of a ViT-S and a ResNet: products in operations, the others in bytes that each has
 * to read and write at least. Tiles of 3×3 windows save multiplications, which are counted all the same.
 */
export const kernelCases: readonly BenchCase[] = [
  linearCase(TOKENS, WIDTH, 4 * WIDTH),
  linearCase(8 * TOKENS, WIDTH, 4 * WIDTH),
  linearCase(TOKENS, WIDTH, 4 * WIDTH, { int8: true }),
  attentionCase(6, 64),
  convCase(56, 64, 3),
  convCase(14, 256, 1),
  movingCase("add", MANY, 2, () => {
    const [a, b] = [random([MANY], 1), random([MANY], 2)];
    return { inputs: [a, b], op: () => add(a, b) };
  }),
  movingCase(`layer norm ${rows.join("x")}`, rows[0] * rows[1], 1, () => {
    const [x, weight, bias] = [random([...rows], 1), random([WIDTH], 2), random([WIDTH], 3)];
    return { inputs: [x, weight, bias], op: () => layerNorm(x, weight, bias) };
  }),
  movingCase(`softmax ${rows.join("x")}`, rows[0] * rows[1], 1, () => {
    const x = random([...rows], 1);
    return { inputs: [x], op: () => softmax(x) };
  }),
  movingCase(`gelu ${rows.join("x")}`, rows[0] * rows[1], 1, () => {
    const x = random([...rows], 1);
    return { inputs: [x], op: () => gelu(x) };
  }),
];
