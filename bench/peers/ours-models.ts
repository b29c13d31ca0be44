import { step } from "../../src/autograd/tape.js";
import type { ImageSource } from "../../src/data/dataset.js";
import { imageArray } from "../../src/data/image-array.js";
import { openSource } from "../../src/data/source-spec.js";
import { VisionTransformer } from "../../src/models/vit.js";
import { Linear } from "../../src/nn/linear.js";
import { crossEntropy } from "../../src/ops/cross-entropy.js";
import { AdamW } from "../../src/optim/adamw.js";
import { resolveConfig } from "../../src/poa/config.js";
import { Profile } from "../../src/runtime/profile.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { Trainer } from "../../src/train/trainer.js";
import { uniform } from "./inputs.js";
import { random } from "./ours-kernels.js";
import type { Operation } from "./serve.js";
import { CHECKED_LOSSES, IMAGES_SEED, labels, starts, vit } from "./vit.js";

/** The model of vit.ts with its starting values, and all of its parameters. */
function classifier() {
  const { image, patch, width, depth, heads, classes } = vit;
  const rng = new Rng(0);
  const options = { imageSize: image, patchSize: patch, width, depth, headDim: width / heads };
  const backbone = new VisionTransformer({ ...options, rng: rng.fork(1) });
  const head = new Linear(width, classes, { rng: rng.fork(2) });
  const named = new Map<string, Tensor>([
    ...backbone.namedParameters(),
    ...head.namedParameters().map(([name, x]): [string, Tensor] => [`head.${name}`, x]),
  ]);
  const parameters = starts().map(({ name, base, scale, seed }) => {
    const x = named.get(name);
    if (!x) throw new Error(`no parameter ${name}`);
    x.write(uniform(seed, x.numel).map((value) => base + scale * value));
    return x;
  });
  return { backbone, head, parameters };
}

/** Forward, backward and AdamW. All tokens go through the last block, as they do in the peers. */
const vitStep: Operation = () => {
  const { batch, image, lr, weightDecay, beta1, beta2, eps } = vit;
  const { backbone, head, parameters } = classifier();
  const optimizer = new AdamW(parameters, { lr, weightDecay, beta1, beta2, eps });
  const images = random(IMAGES_SEED, [batch, 3, image, image]);
  const classes = fromArray(labels(), [batch], "i32");
  const once = () => {
    const loss = step(() => {
      const y = crossEntropy(head.forward(backbone.forward(images).classToken), classes);
      y.backward();
      return y.item();
    });
    optimizer.update();
    return loss;
  };
  return {
    run: () => void once(),
    outputs: () => [Array.from({ length: CHECKED_LOSSES }, once)],
    release: () => {
      optimizer.dispose();
      backbone.dispose();
      head.dispose();
      for (const x of [images, classes]) x.dispose();
    },
  };
};

interface PoaSpec {
  readonly preset: string;
  /** A data spec; random images where there is none. */
  readonly data?: string;
  readonly overrides?: readonly string[];
}

/** Random images of the preset's size, made before anything is timed. */
function noise(side: number, count: number): ImageSource {
  const rng = new Rng(0);
  const image = () => ({
    width: side,
    height: side,
    channels: 3,
    data: Uint8Array.from({ length: 3 * side * side }, () => rng.next32() >>> 24),
  });
  return imageArray(Array.from({ length: count }, image));
}

async function trainerOf(spec: PoaSpec): Promise<Trainer> {
  const { config } = resolveConfig({}, { preset: spec.preset, overrides: spec.overrides });
  const { global_crops_size: side } = config.crops;
  const source = spec.data ? await openSource(spec.data) : noise(side, 16 * config.train.batch_size_per_gpu);
  return new Trainer(config, source);
}

/** The whole step of a preset: images, augmentation, all networks, update, teacher. */
const poaStep: Operation = async (spec) => {
  const trainer = await trainerOf(spec as unknown as PoaSpec);
  return {
    run: () => trainer.step(),
    outputs: async () => {
      const { loss } = await trainer.step();
      if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
      return [[loss]];
    },
    figures: () => ({ rssMiB: process.resourceUsage().maxRSS / 1024 }),
    release: () => trainer.dispose(),
  };
};

/** Kernels that are arithmetic of the method rather than moves: products, attention, convolution, normalisation. */
const ARITHMETIC = /^(gemm|attention|conv|layer_norm|group_norm|l2_normalize|weight_norm)/;

/** The same step with every kernel call timed. */
const poaProfile: Operation = async (spec) => {
  const trainer = await trainerOf(spec as unknown as PoaSpec);
  await trainer.step();
  const profile = new Profile();
  let wallMs = 0;
  const shareOf = (pattern: RegExp) =>
    profile
      .costs()
      .kernels.filter(({ name }) => pattern.test(name))
      .reduce((sum, { elapsedMs }) => sum + elapsedMs, 0) / wallMs;
  return {
    run: async () => {
      const { elapsedMs } = await trainer.step();
      wallMs += elapsedMs;
    },
    outputs: () => [[0]],
    figures: () => {
      const rest = profile.costs().kernels.filter(({ name }) => !ARITHMETIC.test(name));
      return {
        arithmeticShare: shareOf(ARITHMETIC),
        kernelShare: shareOf(/./),
        ...Object.fromEntries(rest.slice(0, 5).map((cost) => [cost.name, cost.elapsedMs / wallMs])),
      };
    },
    release: () => {
      profile.stop();
      trainer.dispose();
    },
  };
};

export const modelOperations = { vitStep, poaStep, poaProfile } satisfies Record<string, Operation>;
