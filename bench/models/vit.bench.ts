import { step } from "../../src/autograd/tape.js";
import type { BenchCase, Prepared } from "../../src/cli/bench/case.js";
import { random } from "../../src/cli/bench/seeded.js";
import { VisionTransformer } from "../../src/models/vit.js";
import { Linear } from "../../src/nn/linear.js";
import { crossEntropy } from "../../src/ops/cross-entropy.js";
import { AdamW } from "../../src/optim/adamw.js";
import { Rng } from "../../src/tensor/random.js";
import { classifier } from "../shapes.js";

const { side, patchSize, batch, width, depth, headDim, classes } = classifier;
const size = `${width}x${depth} ${side} pixels patch ${patchSize} batch ${batch}`;

function networks() {
  const rng = new Rng(0);
  const vit = new VisionTransformer({ imageSize: side, patchSize, width, depth, headDim, rng: rng.fork(0) });
  const head = new Linear(width, classes, { rng: rng.fork(1) });
  const images = random([batch, 3, side, side]);
  const labels = Int32Array.from({ length: batch }, (_, i) => (7 * i) % classes);
  /** All tokens go through the last block, as they do in other libraries. */
  const loss = () => crossEntropy(head.forward(vit.forward(images).classToken), labels);
  return { loss, vit, head, images };
}

function training(): Prepared {
  const { loss, vit, head, images } = networks();
  const optimizer = new AdamW([...vit.parameters(), ...head.parameters()], { lr: 1e-3, weightDecay: 0.05 });
  return {
    run: () => {
      step(() => loss().backward());
      optimizer.update();
    },
    dispose: () => {
      for (const part of [optimizer, vit, head, images]) part.dispose();
    },
  };
}

function inference(): Prepared {
  const { loss, vit, head, images } = networks();
  vit.requireGrad(false);
  head.requireGrad(false);
  return {
    run: () => step(() => void loss()),
    dispose: () => {
      for (const part of [vit, head, images]) part.dispose();
    },
  };
}

/** A classifier on images that lie in memory already. */
export const cases: readonly BenchCase[] = [
  { name: `vit step ${size}`, unit: "samples/s", work: batch, prepare: training },
  { name: `vit forward ${size}`, unit: "samples/s", work: batch, prepare: inference },
];
