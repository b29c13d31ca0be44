import { type Encoder, specOf } from "../../src/models/encoder.js";
import { ResNet, type ResNetOptions } from "../../src/models/resnet.js";
import { type SwinOptions, SwinTransformer } from "../../src/models/swin.js";
import type { Module } from "../../src/nn/module.js";
import { Rng } from "../../src/tensor/random.js";

const images = { imageSize: 32, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };

/** Every number random, running variances too. */
function randomize(network: Module): void {
  const rng = new Rng(6);
  for (const [name, x] of network.namedTensors()) {
    const low = name.endsWith("running_var") ? 0.1 : -0.2;
    x.write(Array.from(x.toArray(), (value) => value + rng.uniform(low, 0.2)));
    if (name.endsWith("num_batches_tracked")) x.write([7]);
  }
}

/** A frozen Swin of width 8 for images of 32 pixels, windows of 4 by 4 patches. */
export function tinySwin(options: Partial<SwinOptions> = {}): Encoder {
  const backbone = new SwinTransformer({
    ...{ patchSize: 2, width: 8, depths: [2, 2, 4, 2], headDim: 4, windowSize: 4, init: "fan_in", rng: new Rng(5) },
    ...options,
  });
  randomize(backbone);
  backbone.requireGrad(false);
  return { backbone, spec: specOf(backbone, images) };
}

/** A frozen ResNet of middle width 4 for images of 32 pixels. */
export function tinyResnet(options: Partial<ResNetOptions> = {}): Encoder {
  const backbone = new ResNet({
    ...{ stemChannels: 4, outChannels: 16, width: 4, depths: [1, 2, 3, 1], strides: [1, 2, 2, 2] },
    ...{ norm: "group", groups: 2, patchScale: 2, rng: new Rng(5) },
    ...options,
  });
  randomize(backbone);
  backbone.requireGrad(false);
  return { backbone, spec: specOf(backbone, images) };
}
