import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ConfigError, ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType, expectShape } from "./check.js";
import { type Convolution, forwardPass, inputPass, isPointwise, weightPass } from "./conv-passes.js";
import type { TapWeight } from "./conv-product.js";
import { int8Of, int8Product } from "./int8.js";
import { imagesOf, type Sides, sidesOf, slidingAxis } from "./window.js";

/** Stride, padding, dilation, groups and rescaling of a convolution. */
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
    expectShape("conv2d", "bias", bias, [weight.shape[0]]);
    expectContiguous("conv2d", { bias });
  }
  const [rows, columns] = call.axes;
  const features = weight.shape[0];
  const y = empty([call.batch, rows.outputs, columns.outputs, features]);
  const int8 = isPointwise(call) && call.groups === 1 && call.alpha === 1 ? int8Of(x, weight) : null;
  if (int8) {
    const [m, k, shared] = [y.numel / features, call.inputs, { n: features, bias: bias ? bias.ptr : 0 }];
    int8Product({ ...shared, m, k, a: x.ptr, aRow: call.pixel, weight: int8, c: y.ptr, ldc: features });
    return y;
  }
  const w = tapWeight(weight, weight.ptr);
  forwardPass(call, { x: x.ptr, weight: w, bias: bias ? bias.ptr : 0, y: y.ptr });
  return record("conv2d", y, [x, weight, bias], () => {
    const dy = gradOf(y);
    const [dx, dw, db] = [gradTarget(x), gradTarget(weight), gradTarget(bias)];
    if (dx) inputPass(call, { dy, weight: w, beta: dx.beta, dx: dx.ptr });
    if (dw) weightPass(call, { x: x.ptr, dy, beta: dw.beta, dw: tapWeight(weight, dw.ptr) });
    if (db) {
      kernels.column_sum_f32(features, call.batch * rows.outputs * columns.outputs, dy, features, db.beta, db.ptr);
    }
  });
}

function callOf(x: Tensor, weight: Tensor, options: Conv2dOptions): Convolution {
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
  const { batch, height, width, channels, pixel } = images;
  const axes: Convolution["axes"] = [axis(0), axis(1)];
  return { batch, height, width, channels, pixel, axes, groups, inputs, outputs: features / groups, alpha };
}

/** Where the weights lie that a tensor [out, in, rows, columns] shows, or their gradients. */
function tapWeight({ strides }: Tensor, ptr: number): TapWeight {
  const [out, step, row, column] = strides;
  return { ptr, out, in: step, row, column };
}
