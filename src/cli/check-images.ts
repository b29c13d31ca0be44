import type { ImageSource } from "../data/dataset.js";
import { EvalTransform, usualGeometry } from "../data/eval-transform.js";
import { batches } from "../data/loader.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { persistent } from "../tensor/create.js";
import { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";

/** Images that a file is compared on with the network it was made from. */
const CHECK_IMAGES = 8;

/** Name of the stream of images made up where there are none: "CHEK". */
const MADE_UP = 0x4348454b;

/** The first images of a source as an encoder sees them, f32 [≤ 8, C, S, S]; dispose of them. */
export async function firstImages(
  source: ImageSource,
  { mean, std, channels, imageSize }: EncoderSpec,
  onWarning: (message: string) => void,
): Promise<Tensor> {
  const options = { passes: 1, shuffle: false, channels: channels as 1 | 3, onWarning };
  const stream = batches(source, { ...options, batchSize: Math.min(CHECK_IMAGES, source.length) });
  const { value } = await stream[Symbol.asyncIterator]().next();
  const transform = new EvalTransform({ geometry: usualGeometry(imageSize), channels, mean, std });
  const images = transform.allocate(value.images.length);
  transform.write(value.images, images);
  transform.dispose();
  return images;
}

/** As many images of seeded normal noise, for an encoder that came without any. */
export function madeUpImages({ channels, imageSize }: EncoderSpec): Tensor {
  const images = persistent([CHECK_IMAGES, channels, imageSize, imageSize]);
  const rng = new Rng(MADE_UP);
  images.write(Float32Array.from({ length: images.numel }, () => rng.normal()));
  return images;
}
