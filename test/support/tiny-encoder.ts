import { specOf } from "../../src/models/encoder.js";
import type { VitSpec } from "../../src/models/encoder-spec.js";
import { VisionTransformer, type VitOptions } from "../../src/models/vit.js";
import { Rng } from "../../src/tensor/random.js";

/** A frozen ViT 16x2 for images of 16 pixels, every parameter random, biases and layer scales included. */
export function tinyEncoder(options: Partial<VitOptions> = {}): { backbone: VisionTransformer; spec: VitSpec } {
  const backbone = new VisionTransformer({
    imageSize: 16,
    patchSize: 4,
    width: 16,
    depth: 2,
    headDim: 8,
    layerScale: 0.5,
    init: "fan_in",
    rng: new Rng(5),
    ...options,
  });
  const rng = new Rng(6);
  for (const x of backbone.parameters())
    x.write(Array.from(x.toArray() as Float32Array, (value) => value + rng.uniform(-0.2, 0.2)));
  backbone.requireGrad(false);
  const images = { imageSize: options.imageSize ?? 16, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };
  return { backbone, spec: specOf(backbone, images) as VitSpec };
}
