import { step } from "../../src/autograd/tape.js";
import { Classifier } from "../../src/models/classifier.js";
import { VisionTransformer } from "../../src/models/vit.js";
import { crossEntropy } from "../../src/ops/cross-entropy.js";
import { AdamW } from "../../src/optim/adamw.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { drawn } from "./op-cases.js";

const IMAGES = [5, 3, 32, 32];
const STEPS = 3;

/** The losses of a few steps of a ViT that learns to classify, and the gradients of the first, on the running kernels. */
export function vitSteps(): Map<string, ArrayLike<number>> {
  const rng = new Rng(3);
  const size = { imageSize: 32, patchSize: 8, width: 32, depth: 2, headDim: 16 };
  const backbone = new VisionTransformer({ ...size, init: "fan_in", positionStd: 1, rng: rng.fork(1) });
  const model = new Classifier(backbone, { classes: 4, rng: rng.fork(2) });
  const optimizer = new AdamW(model.parameters(), { lr: 1e-3, weightDecay: 0.05 });
  const images = fromArray(drawn(IMAGES, 7), IMAGES);
  const labels = Int32Array.of(0, 1, 2, 3, 1);
  const results = new Map<string, ArrayLike<number>>();
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) {
    step(() => {
      const loss = crossEntropy(model.forward(images), labels);
      loss.backward();
      losses.push(loss.item());
      if (i === 0) for (const [name, x] of model.namedParameters()) results.set(name, x.grad() ?? []);
      optimizer.update();
    });
  }
  return results.set("losses", losses);
}
