import { ConfigError, ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType } from "./check.js";
import { contiguous } from "./layout.js";

/**
 * Cuts images into square patches that do not overlap, each as one row in the order of a convolution weight [out, C, p, p].
 * A convolution whose stride equals its kernel is then a product with the weight seen as [out, C·p·p].
 *
 * @param images  [B, C, H, W]; carries no gradient
 * @param patch   side p in pixels; divides H and W
 * @returns [B, (H/p)·(W/p), C·p·p], patches row by row
 * @throws ShapeError if the sides are no multiples of p; ConfigError if images are tracked
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
  if (images.tracked) {
    throw new ConfigError(
      "patchify: images are tracked, but no gradient flows through patchify. Pass an untracked tensor.",
    );
  }
  images = contiguous(images);
  const perImage = (height / patch) * (width / patch);
  const y = empty([batch, perImage, channels * patch * patch]);
  kernels.patchify_f32(batch * perImage, channels, height, width, patch, images.ptr, y.ptr);
  return y;
}
