import type { BenchCase } from "../../src/cli/bench/case.js";
import { denseOutputs, slidingAxis, windowTensor } from "../../src/ops/window.js";
import { kernels } from "../../src/runtime/launch.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { type ImageShape, images } from "../conv-shapes.js";

/** Pooling and group normalisation; the rate counts numbers of x. */
export const cases: readonly BenchCase[] = images.flatMap((shape) => {
  const { at, batch, side, channels } = shape;
  const size = `${batch}x${side}x${side}x${channels} ${at}`;
  const timed = (name: string, prepare: (operands: Operands) => () => void): BenchCase => ({
    name: `${name} ${size}`,
    unit: "Melem/s",
    work: batch * side * side * channels,
    prepare: () => prepare(operandsOf(shape)),
  });
  return [
    timed("max pool 3x3 s2 forward", (operands) => pooled(operands, 3, 2).max),
    timed("max pool 3x3 s2 gradient", (operands) => pooled(operands, 3, 2).maxGradient),
    timed("avg pool 2x2 s2 forward", (operands) => pooled(operands, 2, 2).average),
    timed("global avg pool forward", (operands) => pooled(operands, operands.side, operands.side).average),
    timed("global avg pool gradient", (operands) => pooled(operands, operands.side, operands.side).averageGradient),
    timed("group norm forward", (operands) => normalized(operands).forward),
    timed("group norm gradient", (operands) => normalized(operands).gradient),
  ];
});

interface Operands extends ImageShape {
  readonly x: number;
  readonly other: number;
}

function operandsOf(shape: ImageShape): Operands {
  const count = shape.batch * shape.side ** 2 * shape.channels;
  const rng = new Rng(0);
  const numbers = Float32Array.from({ length: count }, () => rng.uniform(-1, 1));
  return { ...shape, x: fromArray(numbers, [count]).ptr, other: empty([count]).ptr };
}

function pooled({ batch, side, channels, x, other }: Operands, taps: number, stride: number) {
  const padding = taps === 3 ? 1 : 0;
  const axis = slidingAxis("pool", side, { taps, stride, padding, dilation: 1 });
  const window = windowTensor([axis, axis], channels, denseOutputs(axis.outputs, axis.outputs, channels)).ptr;
  const pixels = batch * axis.outputs ** 2;
  const [y, chosen] = [empty([pixels, channels]).ptr, empty([pixels, channels], "i32").ptr];
  kernels.max_pool_f32(pixels, channels, window, x, y, chosen);
  const sources = batch * side * side;
  return {
    max: () => kernels.max_pool_f32(pixels, channels, window, x, y, chosen),
    maxGradient: () => kernels.max_pool_grad_f32(sources, channels, window, y, chosen, 0, other),
    average: () => kernels.avg_pool_f32(pixels, channels, window, 0, x, y),
    averageGradient: () => kernels.avg_pool_grad_f32(sources, channels, window, 0, y, 0, other),
  };
}

function normalized({ batch, side, channels, x, other }: Operands) {
  const groups = 32;
  const size = [batch, side * side, channels, groups] as const;
  const weight = fromArray(new Float32Array(channels).fill(1), [channels]).ptr;
  const [stats, sums] = [empty([batch, groups, 2]).ptr, empty([2, batch, channels]).ptr];
  const forward = () => kernels.group_norm_f32(...size, x, channels, 1e-5, weight, weight, other, channels, stats);
  forward();
  return {
    forward,
    gradient: () => {
      kernels.group_norm_sums_f32(...size, x, channels, stats, x, channels, sums);
      const given = [x, channels, stats, sums, weight, x, channels] as const;
      kernels.group_norm_grad_input_f32(...size, ...given, 0, other, channels);
    },
  };
}
