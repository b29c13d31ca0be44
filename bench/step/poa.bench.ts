import type { RawImage } from "../../src/data/dataset.js";
import { buildState } from "../../src/poa/build.js";
import { resolveConfig } from "../../src/poa/config.js";
import { searchSpace } from "../../src/poa/plan.js";
import { poaStep } from "../../src/poa/step.js";
import { Rng } from "../../src/tensor/random.js";
import { BatchMaker } from "../../src/train/crops.js";
import type { BenchCase, Prepared } from "../case.js";

interface Preset {
  readonly preset: string;
  /** Batch size and side of the raw images. */
  readonly images: number;
  readonly side: number;
  /** The elastic network of every step, from the middle of the space, so that runs compare. */
  readonly network: string;
  readonly onlyAs?: string;
}

const presets: readonly Preset[] = [
  { preset: "demo", images: 16, side: 28, network: "48x3" },
  { preset: "cifar-tiny", images: 64, side: 32, network: "64x3" },
  { preset: "vit-small", images: 8, side: 96, network: "256x9", onlyAs: "vit-small" },
];

/** Values from the middle of a run; none of them changes what a step costs. */
const schedule = { lr: 1e-4, lastLayerLr: 1e-4, weightDecay: 0.1, momentum: 0.99, teacherTemperature: 0.05 };

function seededImages(count: number, side: number): RawImage[] {
  const rng = new Rng(0);
  return Array.from({ length: count }, () => ({
    width: side,
    height: side,
    channels: 3,
    data: Uint8Array.from({ length: 3 * side * side }, () => rng.integer(0, 255)),
  }));
}

/** Crops, masks, the three branches, objective, backward, clipping, update, teacher: all but reading the images. */
function prepare({ preset, images: count, side, network }: Preset): Prepared {
  const { config } = resolveConfig({}, { preset, overrides: [`train.batch_size_per_gpu=${count}`] });
  const state = buildState(config);
  const maker = new BatchMaker(config);
  const images = seededImages(count, side);
  const indices = Int32Array.from({ length: count }, (_, i) => i);
  const { dino, ibot, optim } = config;
  const settings = {
    ...schedule,
    clip: optim.clip_grad,
    weights: {
      lambda: dino.lambda_ie,
      dino: dino.loss_weight,
      ibot: ibot.loss_weight,
      koleo: dino.koleo_loss_weight,
    },
    elastic: [state.student.backbone.slice(searchSpace(config).parse(network))],
    dropPath: { intact: null, elastic: null },
  };
  let iteration = 0;
  return {
    run: () => {
      const sample = { images, indices, pass: iteration };
      poaStep(state, [() => maker.make(sample, iteration, 0, true)], settings);
      iteration++;
    },
    dispose: () => {
      for (const part of [maker, state.student, state.teacher, state.optimizer]) part.dispose();
    },
  };
}

export const cases: readonly BenchCase[] = presets.map((shape) => ({
  name: `poa step ${shape.preset} ${shape.network} batch ${shape.images}`,
  unit: "images/s",
  work: shape.images,
  onlyAs: shape.onlyAs,
  prepare: () => prepare(shape),
}));
