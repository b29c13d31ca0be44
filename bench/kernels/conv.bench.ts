import type { BenchCase } from "../../src/cli/bench/case.js";
import { type Convolution, forwardPass, inputPass, weightPass } from "../../src/ops/conv-passes.js";
import { product } from "../../src/ops/product.js";
import { slidingAxis } from "../../src/ops/window.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { type ConvShape, convolutions, outputSide } from "../conv-shapes.js";

/** The three passes as the op launches them, packing included, and a plain product of the same size beside them. */
export const cases: readonly BenchCase[] = convolutions.flatMap((shape) => {
  const { at, batch, side, channels, outputs, taps, stride, groups = 1 } = shape;
  const [pixels, terms] = [batch * outputSide(shape) ** 2, taps * taps * (channels / groups)];
  const size = `${taps}x${taps} s${stride} ${channels}->${outputs} ${side}x${side} b${batch} ${at}`;
  const timed = (name: string, prepare: () => () => void): BenchCase => ({
    name: `conv ${name} ${size}`,
    unit: "GFLOP/s",
    work: 2 * pixels * terms * outputs,
    prepare,
  });
  return [
    timed("forward", () => forward(operandsOf(shape))),
    timed("dX", () => inputGradient(operandsOf(shape))),
    timed("dW", () => weightGradient(operandsOf(shape))),
    ...(groups === 1 ? [timed("product", () => plainProduct(pixels, terms, outputs))] : []),
  ];
});

interface Operands {
  readonly call: Convolution;
  readonly x: number;
  readonly w: number;
  readonly y: number;
  readonly terms: number;
  readonly taps: number;
}

function random(count: number): number {
  const rng = new Rng(0);
  return fromArray(
    Float32Array.from({ length: count }, () => rng.uniform(-1, 1)),
    [count],
  ).ptr;
}

function operandsOf({ batch, side, channels, outputs, taps, stride, groups = 1 }: ConvShape): Operands {
  const axis = slidingAxis("conv2d", side, { taps, stride, padding: taps >> 1, dilation: 1 });
  const images = { batch, height: side, width: side, channels, pixel: channels };
  const inputs = channels / groups;
  const terms = taps * taps * inputs;
  return {
    call: { ...images, axes: [axis, axis], groups, inputs, outputs: outputs / groups, alpha: 1 },
    x: random(batch * side * side * channels),
    w: random(outputs * terms),
    y: random(batch * axis.outputs ** 2 * outputs),
    terms,
    taps,
  };
}

const weightAt = (ptr: number, { terms, taps }: Operands) => ({
  ptr,
  out: terms,
  in: taps * taps,
  row: taps,
  column: 1,
});

function forward(operands: Operands): () => void {
  const { call, x, w, y } = operands;
  return () => forwardPass(call, { x, weight: weightAt(w, operands), bias: 0, y });
}

function inputGradient(operands: Operands): () => void {
  const { call, x, w, y } = operands;
  return () => inputPass(call, { dy: y, weight: weightAt(w, operands), beta: 0, dx: x });
}

function weightGradient(operands: Operands): () => void {
  const { call, x, w, y } = operands;
  return () => weightPass(call, { x, dy: y, beta: 0, dw: weightAt(w, operands) });
}

function plainProduct(m: number, k: number, n: number): () => void {
  const [a, b, c] = [random(m * k), random(k * n), empty([m * n]).ptr];
  const call = { m, n, k, a, aRow: k, aCol: 1, b, bRow: 1, bCol: k, beta: 0, c, ldc: n };
  return () => product(call);
}
