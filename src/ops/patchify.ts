import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { denseStrides, formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType } from "./check.js";
import { contiguous, copyStrided } from "./layout.js";

/**
 * Cuts images into square patches that do not overlap, each as one row in the order of a convolution weight [out, C, p, p].
 * A convolution whose stride equals its kernel is then a product with the weight seen as [out, C·p·p].
 *
 * @param images  [B, C, H, W]
 * @param patch   side p in pixels; divides H and W
 * @returns [B, (H/p)·(W/p), C·p·p], patches row by row
 * @throws ShapeError if the sides are no multiples of p; DTypeError
 */
export function patchify(images: Tensor, patch: number): Tensor {
  expectDType("patchify", { images }, "f32");
  const [batch, channels, height, width] = images.shape;
  const fits =
    images.shape.length === 4 && Number.isInteger(patch) && patch >= 1 && height % patch === 0 && width % patch === 0;
  if (!fits) {
    throw new ShapeError(
      `patchify: images are ${formatShape(images.shape)}, expected [B, C, H, W] with sides that are multiples of ${patch}.`,
    );
  }
  const x = contiguous(images);
  const [rows, cols] = [height / patch, width / patch];
  const y = empty([batch, rows * cols, channels * patch * patch]);
  kernels.patchify_f32(batch * rows * cols, channels, height, width, patch, x.ptr, y.ptr);
  return record("patchify", y, [x], () => {
    const dx = gradTarget(x);
    if (!dx) return;
    // Each pixel is in one patch, so the gradient is the same copy the other way.
    const shape = [batch, rows, cols, channels, patch, patch];
    const strides = [channels * height * width, patch * width, patch, height * width, width, 1];
    copyStrided(shape, { ptr: gradOf(y), strides: denseStrides(shape) }, { ptr: dx.ptr, strides }, dx.beta);
  });
}
