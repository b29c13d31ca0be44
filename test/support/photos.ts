import { EvalTransform, usualGeometry } from "../../src/data/eval-transform.js";
import type { EncoderSpec } from "../../src/models/encoder-spec.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { imageFixture, pixels } from "./image-fixtures.js";

/** Two photographs as an encoder sees them, f32 [2, 3, S, S]. */
export async function photos({ imageSize, channels, mean, std }: EncoderSpec): Promise<Tensor> {
  const images = await Promise.all(["hopper", "restarts"].map((name) => pixels(imageFixture(`jpeg-odd/${name}.jpg`))));
  const transform = new EvalTransform({ geometry: usualGeometry(imageSize), channels, mean, std });
  const tensor = transform.allocate(images.length);
  transform.write(images, tensor);
  transform.dispose();
  return tensor;
}
