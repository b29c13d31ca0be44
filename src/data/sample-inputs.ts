import type { Tensor } from "../tensor/tensor.js";
import type { RawImage } from "./dataset.js";
import { MultiCrop, type MultiCropOptions } from "./multi-crop.js";
import { TrainTransform, type TrainTransformOptions } from "./train-transform.js";

/** What a network is shown of an image: data that can be sent to another thread. */
export type InputRecipe =
  | { readonly kind: "crops"; readonly options: MultiCropOptions }
  | { readonly kind: "labelled"; readonly options: TrainTransformOptions };

/** Names the random streams of one image. */
export interface SampleName {
  readonly seed: number;
  /** Which look of the image this is (`lookAt` in order.ts). */
  readonly look: number;
  /** Of the image in its source. */
  readonly index: number;
}

/** Makes what a network is shown, one image after the other. */
export interface SampleInputs {
  /**
   * What stands there after `make`, dense f32. The same tensors for a batch of B images have B times as many rows: row r of image
   * p is their row r·B + p.
   */
  readonly tensors: readonly Tensor[];
  /** @throws DataError if the image has other channels */
  make(image: RawImage, name: SampleName): void;
}

/** @throws ConfigError for an option out of range */
export function sampleInputs(recipe: InputRecipe): SampleInputs {
  if (recipe.kind === "labelled") {
    const transform = new TrainTransform(recipe.options);
    const target = transform.allocate(1);
    return {
      tensors: [target],
      make: (image, { seed, look, index }) =>
        transform.write([image], { seed, looks: [look], indices: [index] }, target),
    };
  }
  const crops = new MultiCrop(recipe.options);
  const slots = crops.allocate(1);
  return {
    tensors: [slots.globals, slots.locals],
    make: (image, { seed, look, index }) => crops.writeImage(image, { seed, epoch: look, sample: index }, 0, slots),
  };
}
