import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ConfigError, ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType, expectShape } from "./check.js";
import { eachPhase } from "./conv-phase.js";
import {
  type Correlation,
  correlate,
  correlateDepthwise,
  depthwiseWeightGradient,
  type TapWeight,
  weightGradient,
} from "./conv-product.js";
import { product } from "./product.js";
import { type Axis, denseOutputs, type Images, imagesOf, type Sides, sidesOf, slidingAxis } from "./window.js";

export interface Conv2dOptions {
  /** Pixels from one window to the next. Default 1. */
  stride?: Sides;
  /** Zeros around the image, in pixels on each side. Default 0. */
  padding?: Sides;
  /** Pixels from one tap to the next. Default 1. */
  dilation?: Sides;
  /** Equal parts of the channels that do not see one another. Default 1. */
  groups?: number;
  /** α, dimensionless; scales the sum, not the bias. Default 1. */
  inputScale?: number;
}

/** What the forward and the backward passes share. */
interface Call extends Images {
  readonly axes: readonly [Axis, Axis];
  readonly groups: number;
  /** Channels of one group of x and of y. */
  readonly inputs: number;
  readonly outputs: number;
  /** Channels of y. */
  readonly features: number;
  readonly alpha: number;
}

/**
 * Convolution: y[b, i, j, o] = α·Σ_{r, s, c} x[b, i·stride + r·dilation − padding, …, c]·w[o, c, r, s] + bias[o], where
 * the channels c are those of o's group and x is zero outside the image.
 *
 * @param x  images [B, H, W, C], channels last; a slice of channels is read in place
 * @param weight  w [O, C / groups, kh, kw]; any view, for instance narrowed along outputs and inputs
 * @param bias  [O], or null
 * @returns y [B, H', W', O] with H' = ⌊(H + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1
 * @throws ShapeError if the sizes do not fit, or the pixels of x are not evenly spaced; ConfigError for options that are no
 *   whole numbers; DTypeError
 */
export function conv2d(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: Conv2dOptions = {}): Tensor {
  expectDType("conv2d", { x, weight, bias }, "f32");
  const call = callOf(x, weight, options);
  if (bias) {
    expectShape("conv2d", "bias", bias, [call.features]);
    expectContiguous("conv2d", { bias });
  }
  const [rows, columns] = call.axes;
  const y = empty([call.batch, rows.outputs, columns.outputs, call.features]);
  forward(x, weight, bias, { y: y.ptr, ...call });
  return record("conv2d", y, [x, weight, bias], () => {
    const dy = gradOf(y);
    inputGradient(x, weight, { dy, ...call });
    weightGradients(x, weight, { dy, ...call });
    const db = gradTarget(bias);
    if (db) {
      const pixels = call.batch * rows.outputs * columns.outputs;
      kernels.column_sum_f32(call.features, pixels, dy, call.features, db.beta, db.ptr);
    }
  });
}

function callOf(x: Tensor, weight: Tensor, options: Conv2dOptions): Call {
  const { groups = 1, inputScale: alpha = 1 } = options;
  const images = imagesOf("conv2d", x);
  if (weight.shape.length !== 4) {
    throw new ShapeError(`conv2d: weight is ${formatShape(weight.shape)}, expected [O, C / groups, kh, kw].`);
  }
  const [features, inputs, ...taps] = weight.shape;
  if (!(Number.isInteger(groups) && groups >= 1 && features % groups === 0)) {
    throw new ConfigError(`conv2d: groups is ${groups}, expected a divisor of the ${features} outputs.`);
  }
  if (images.channels !== inputs * groups) {
    throw new ShapeError(
      `conv2d: x has ${images.channels} channels (${formatShape(x.shape)}) but weight expects ${inputs * groups} ` +
        `(${formatShape(weight.shape)}, groups ${groups}). Are channels last, and was x sliced to the same width?`,
    );
  }
  const stride = sidesOf("conv2d", "stride", options.stride ?? 1, 1);
  const padding = sidesOf("conv2d", "padding", options.padding ?? 0, 0);
  const dilation = sidesOf("conv2d", "dilation", options.dilation ?? 1, 1);
  const axis = (i: 0 | 1) =>
    slidingAxis("conv2d", x.shape[i + 1], {
      taps: taps[i],
      stride: stride[i],
      padding: padding[i],
      dilation: dilation[i],
    });
  return { ...images, axes: [axis(0), axis(1)], groups, inputs, outputs: features / groups, features, alpha };
}

/** One tap that moves from pixel to pixel: a plain product of all pixels with the weight. */
function isPointwise({ axes }: Call): boolean {
  return axes.every(({ taps, stride, first }) => taps === 1 && stride === 1 && first === 0);
}

/** Each channel for itself, all of them in one kernel call. */
const isDepthwise = ({ groups, inputs, outputs }: Call) => groups > 1 && inputs === 1 && outputs === 1;

/** The weights of a group, or all for a depthwise convolution. */
function tapWeight(weight: Tensor, ptr: number, group: number, outputs: number): TapWeight {
  const [out, step, row, column] = weight.strides;
  return { ptr: ptr + 4 * group * outputs * out, out, in: step, row, column };
}

/** y = α·(x ⋆ w) + b */
function forward(x: Tensor, weight: Tensor, bias: Tensor | null, call: Call & { y: number }): void {
  const { batch, axes, pixel, alpha, features, y } = call;
  const shared = {
    batch,
    axes,
    pixel,
    alpha,
    beta: 0,
    outputs: denseOutputs(axes[1].outputs, axes[0].outputs, features),
  };
  if (isDepthwise(call)) {
    const w = tapWeight(weight, weight.ptr, 0, 1);
    const channels = { channels: features, n: features };
    correlateDepthwise({ ...shared, ...channels, x: x.ptr, weight: w, bias: bias?.ptr ?? 0, y });
    return;
  }
  for (let group = 0; group < call.groups; group++) {
    const correlation: Correlation = {
      ...shared,
      channels: call.inputs,
      n: call.outputs,
      x: x.ptr + 4 * group * call.inputs,
      weight: tapWeight(weight, weight.ptr, group, call.outputs),
      bias: bias ? bias.ptr + 4 * group * call.outputs : 0,
      y: y + 4 * group * call.outputs,
    };
    if (isPointwise(call)) pointwise(correlation);
    else correlate(correlation);
  }
}

/** Where windows are single pixels one after the other, what they see is x itself. */
function pointwise({ batch, axes, channels, n, x, pixel, weight, alpha, bias, beta, y, outputs }: Correlation): void {
  const a = { m: batch * axes[0].outputs * axes[1].outputs, k: channels, alpha, a: x, aRow: pixel, aCol: 1 };
  product({ ...a, n, b: weight.ptr, bRow: weight.in, bCol: weight.out, bias, beta, c: y, ldc: outputs.pixel });
}

/** dx = α·(dy ⋆ w with its taps reversed), for each phase of the stride */
function inputGradient(x: Tensor, weight: Tensor, call: Call & { dy: number }): void {
  const dx = gradTarget(x);
  if (!dx) return;
  const { batch, height, width, pixel, features, alpha, dy } = call;
  eachPhase(call.axes, (axes, { row, column, tapRow, tapColumn }, taps) => {
    const shared = { batch, axes, pixel: features, alpha, bias: 0, beta: dx.beta };
    const outputs = {
      image: height * width * pixel,
      row: row.step * width * pixel,
      pixel: column.step * pixel,
    };
    const to = dx.ptr + 4 * (row.first * width + column.first) * pixel;
    const reversed = ({ ptr, out, in: step, row: y, column: x }: TapWeight) => {
      const last = ptr + 4 * (tapRow * y + tapColumn * x);
      return { ptr: last, out, in: step, row: -taps[0] * y, column: -taps[1] * x };
    };
    if (isDepthwise(call)) {
      const w = reversed(tapWeight(weight, weight.ptr, 0, 1));
      correlateDepthwise({ ...shared, channels: features, n: features, x: dy, weight: w, y: to, outputs });
      return;
    }
    for (let group = 0; group < call.groups; group++) {
      const w = reversed(tapWeight(weight, weight.ptr, group, call.outputs));
      const correlation: Correlation = {
        ...shared,
        channels: call.outputs,
        n: call.inputs,
        x: dy + 4 * group * call.outputs,
        weight: { ...w, out: w.in, in: w.out },
        y: to + 4 * group * call.inputs,
        outputs,
      };
      if (isPointwise(call)) pointwise(correlation);
      else correlate(correlation);
    }
  });
}

/** dW = α·Σ over pixels of dy times what the pixel saw */
function weightGradients(x: Tensor, weight: Tensor, call: Call & { dy: number }): void {
  const dw = gradTarget(weight);
  if (!dw) return;
  const { batch, axes, pixel, alpha, features, dy } = call;
  const shared = { batch, axes, pixel, alpha, beta: dw.beta, lddy: features };
  if (isDepthwise(call)) {
    const target = tapWeight(weight, dw.ptr, 0, 1);
    depthwiseWeightGradient({ ...shared, channels: features, n: features, x: x.ptr, dy, dw: target });
    return;
  }
  for (let group = 0; group < call.groups; group++) {
    const target = tapWeight(weight, dw.ptr, group, call.outputs);
    const from = x.ptr + 4 * group * call.inputs;
    const dyGroup = dy + 4 * group * call.outputs;
    if (isPointwise(call) && target.in === 1) {
      const dims = { m: call.outputs, n: call.inputs, k: batch * axes[0].outputs * axes[1].outputs, alpha };
      const a = { a: dyGroup, aRow: 1, aCol: features };
      product({ ...dims, ...a, b: from, bRow: pixel, bCol: 1, beta: dw.beta, c: target.ptr, ldc: target.out });
      continue;
    }
    weightGradient({ ...shared, channels: call.inputs, n: call.outputs, x: from, dy: dyGroup, dw: target });
  }
}
