import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ConfigError, ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType } from "./check.js";
import {
  type Axis,
  denseOutputs,
  type Images,
  imagesOf,
  type Sides,
  sidesOf,
  slidingAxis,
  windowTensor,
  withTemporaries,
} from "./window.js";

/** Stride, padding and dilation of windows. */
export interface MaxPoolOptions {
  /** Pixels from one window to the next. Default: the window's size. */
  stride?: Sides;
  /** Pixels around the image that never win; at most half a window. Default 0. */
  padding?: Sides;
  /** Pixels from one tap to the next. Default 1. */
  dilation?: Sides;
}

/** Stride and padding of windows, and whether padding counts. */
export interface AvgPoolOptions {
  /** Pixels from one window to the next. Default: the window's size. */
  stride?: Sides;
  /** Zeros around the image; at most half a window. Default 0. */
  padding?: Sides;
  /** Whether those zeros count in the mean. Default true. */
  countIncludePad?: boolean;
}

interface Pooling extends Images {
  readonly axes: readonly [Axis, Axis];
  /** Output pixels of all images. */
  readonly pixels: number;
}

/**
 * The largest number that each window sees, channel by channel. The gradient goes to the first of equal ones.
 *
 * @param x  images [B, H, W, C]; a slice of channels is read in place
 * @param size  of the window, in taps
 * @returns [B, H', W', C] with H' = ⌊(H + 2·padding − dilation·(size − 1) − 1) / stride⌋ + 1
 * @throws ShapeError if the sizes do not fit, or the pixels of x are not evenly spaced; ConfigError for options that are no
 *   whole numbers, or a padding above half a window; DTypeError
 */
export function maxPool2d(x: Tensor, size: Sides, options: MaxPoolOptions = {}): Tensor {
  const pooling = poolingOf("maxPool2d", x, size, options);
  const { axes, batch, height, width, channels, pixels } = pooling;
  const y = empty([batch, axes[0].outputs, axes[1].outputs, channels]);
  const taps = empty(y.shape, "i32");
  withWindow(pooling, (window) => kernels.max_pool_f32(pixels, channels, window, x.ptr, y.ptr, taps.ptr));
  return record("maxPool2d", y, [x], () => {
    const dy = gradOf(y);
    const dx = gradTarget(x);
    if (!dx) return;
    withWindow(pooling, (window) => {
      kernels.max_pool_grad_f32(batch * height * width, channels, window, dy, taps.ptr, dx.beta, dx.ptr);
    });
  });
}

/**
 * The mean of what each window sees, channel by channel.
 *
 * @param x  images [B, H, W, C]; a slice of channels is read in place
 * @param size  of the window, in pixels
 * @returns [B, H', W', C] with H' = ⌊(H + 2·padding − size) / stride⌋ + 1
 * @throws ShapeError if the sizes do not fit, or the pixels of x are not evenly spaced; ConfigError for options that are no
 *   whole numbers, or a padding above half a window; DTypeError
 */
export function avgPool2d(x: Tensor, size: Sides, options: AvgPoolOptions = {}): Tensor {
  const inside = (options.countIncludePad ?? true) ? 0 : 1;
  const pooling = poolingOf("avgPool2d", x, size, options);
  return average("avgPool2d", x, pooling, inside);
}

/**
 * The mean over all pixels of an image.
 *
 * @param x  images [B, H, W, C] with at least one pixel; a slice of channels is read in place
 * @returns [B, C]
 * @throws ShapeError if there is no pixel, or pixels are not evenly spaced; DTypeError
 */
export function globalAvgPool(x: Tensor): Tensor {
  expectDType("globalAvgPool", { x }, "f32");
  const { height, width } = imagesOf("globalAvgPool", x);
  if (height * width === 0) {
    throw new ShapeError(
      `globalAvgPool: the images of ${formatShape(x.shape)} are empty, expected at least one pixel.`,
    );
  }
  const pooling = poolingOf("globalAvgPool", x, [height, width], {});
  return average("globalAvgPool", x, pooling, 0).reshape([pooling.batch, pooling.channels]);
}

function average(op: string, x: Tensor, pooling: Pooling, inside: 0 | 1): Tensor {
  const { axes, batch, height, width, channels, pixels } = pooling;
  const y = empty([batch, axes[0].outputs, axes[1].outputs, channels]);
  withWindow(pooling, (window) => kernels.avg_pool_f32(pixels, channels, window, inside, x.ptr, y.ptr));
  return record(op, y, [x], () => {
    const dy = gradOf(y);
    const dx = gradTarget(x);
    if (!dx) return;
    withWindow(pooling, (window) => {
      kernels.avg_pool_grad_f32(batch * height * width, channels, window, inside, dy, dx.beta, dx.ptr);
    });
  });
}

function poolingOf(op: string, x: Tensor, size: Sides, options: MaxPoolOptions): Pooling {
  expectDType(op, { x }, "f32");
  const images = imagesOf(op, x);
  const taps = sidesOf(op, "size", size, 1);
  const stride = sidesOf(op, "stride", options.stride ?? taps, 1);
  const padding = sidesOf(op, "padding", options.padding ?? 0, 0);
  const dilation = sidesOf(op, "dilation", options.dilation ?? 1, 1);
  const axis = (i: 0 | 1) => {
    if (2 * padding[i] > taps[i]) {
      throw new ConfigError(
        `${op}: padding is ${padding[i]} for a window of ${taps[i]}, expected at most half of it. Lower the padding.`,
      );
    }
    const sliding = { taps: taps[i], stride: stride[i], padding: padding[i], dilation: dilation[i] };
    return slidingAxis(op, x.shape[i + 1], sliding);
  };
  const axes = [axis(0), axis(1)] as const;
  return { ...images, axes, pixels: images.batch * axes[0].outputs * axes[1].outputs };
}

function withWindow({ axes, pixel, channels }: Pooling, launch: (window: number) => void): void {
  withTemporaries(() => {
    launch(windowTensor(axes, pixel, denseOutputs(axes[1].outputs, axes[0].outputs, channels)).ptr);
  });
}
