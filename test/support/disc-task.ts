import type { ImageSource } from "../../src/data/dataset.js";
import { withLabels } from "../../src/data/labelled-image.js";
import { type Encoder, specOf } from "../../src/models/encoder.js";
import { ResNet } from "../../src/models/resnet.js";
import { VisionTransformer } from "../../src/models/vit.js";
import { Rng } from "../../src/tensor/random.js";
import { discImage } from "./mask-folder.js";

/** Bright discs with their labels, in memory. */
export function discSource(count: number, first = 0): ImageSource {
  const images = Array.from({ length: count }, (_, i) => {
    const { image, mask } = discImage(first + i);
    return withLabels({ image, labels: mask });
  });
  return {
    ...{ name: "discs", length: count, labels: null, classes: [] },
    read: (index) => images[index],
    path: (index) => `disc ${index}`,
    fingerprint: () => `discs ${first} ${count}`,
  };
}

const contract = { imageSize: 32, mean: [0.3, 0.3, 0.3], std: [0.3, 0.3, 0.3] };

/** A small frozen ViT with random weights, its patches 4 pixels wide. */
export function tinyVit(): Encoder {
  const size = { imageSize: 32, patchSize: 4, channels: 3, width: 16, depth: 4, headDim: 8, mlpRatio: 2 };
  const backbone = new VisionTransformer({ ...size, init: "fan_in", rng: new Rng(1) });
  return { backbone: backbone.requireGrad(false), spec: specOf(backbone, contract) };
}

/** A small frozen ResNet with random weights. */
export function tinyResnet(): Encoder {
  const backbone = new ResNet({
    ...{ stemChannels: 8, outChannels: 16, width: 4, depths: [1, 1, 1, 1], strides: [1, 2, 2, 1] },
    ...{ norm: "group", groups: 2, init: "fan_in", rng: new Rng(1) },
  });
  return { backbone: backbone.requireGrad(false), spec: specOf(backbone, contract) };
}
