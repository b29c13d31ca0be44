import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ConfigError, ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty, fromArray } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType } from "./check.js";
import { imagesOf } from "./window.js";

/**
 * Resizes maps bilinearly: output pixel i of n lies at (i + 0.5)·size/n − 0.5 among the `size` pixels of the input, and
 * samples beyond its edges take the edge (`interpolate` of PyTorch with mode "bilinear", align_corners false). Shrinking
 * does not average.
 *
 * @param x  maps [B, H, W, C], channels last; a slice of channels is read in place
 * @param height  pixels of the result, ≥ 1
 * @param width   likewise
 * @returns [B, height, width, C]; x itself where it has that size
 * @throws ConfigError for a size that is no whole number from 1 on; ShapeError if x has no pixel, or its pixels are not evenly
 *   spaced; DTypeError
 */
export function resizeBilinear(x: Tensor, height: number, width: number): Tensor {
  expectDType("resizeBilinear", { x }, "f32");
  const { batch, height: inRows, width: inCols, channels, pixel } = imagesOf("resizeBilinear", x);
  if (![height, width].every((side) => Number.isInteger(side) && side >= 1)) {
    throw new ConfigError(`resizeBilinear: size is ${formatShape([height, width])}, expected whole numbers from 1 on.`);
  }
  if (inRows * inCols === 0)
    throw new ShapeError(`resizeBilinear: maps of ${formatShape(x.shape)} have no pixel to sample.`);
  if (height === inRows && width === inCols) return x;
  const [rowCell, rowShare] = linearTaps(inRows, height);
  const [colCell, colShare] = linearTaps(inCols, width);
  const y = empty([batch, height, width, channels]);
  const extents = [width, channels, height, inRows, inCols] as const;
  const taps = [rowCell.ptr, rowShare.ptr, colCell.ptr, colShare.ptr] as const;
  kernels.resize_bilinear_f32(batch * height, ...extents, ...taps, x.ptr, pixel, y.ptr);
  return record("resizeBilinear", y, [x], () => {
    const dx = gradTarget(x);
    if (!dx) return;
    kernels.resize_bilinear_grad_f32(batch * inRows, ...extents, ...taps, gradOf(y), dx.beta, dx.ptr, pixel);
  });
}

/** For each output pixel along an axis the cell at or before it, and the share of the one after. */
function linearTaps(size: number, outputs: number): [Tensor, Tensor] {
  const cell = new Int32Array(outputs);
  const share = new Float64Array(outputs);
  for (let i = 0; i < outputs; i++) {
    const at = Math.min(Math.max(((i + 0.5) * size) / outputs - 0.5, 0), size - 1);
    cell[i] = Math.floor(at);
    share[i] = at - cell[i];
  }
  return [fromArray(cell, [outputs], "i32"), fromArray(share, [outputs])];
}
