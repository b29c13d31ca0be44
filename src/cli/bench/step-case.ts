import type { RawImage } from "../../data/dataset.js";
import { buildState } from "../../poa/build.js";
import type { Config } from "../../poa/config-keys.js";
import { searchSpace } from "../../poa/plan.js";
import { poaStep } from "../../poa/step.js";
import { Rng } from "../../tensor/random.js";
import { BatchMaker } from "../../train/crops.js";
import type { BenchCase, Prepared } from "./case.js";

/** A training step of a configuration. */
export interface TimedStep {
  /** How the case is called. */
  readonly name: string;
  /** Its batch size is that of the step. */
  readonly config: Config;
  /** Side of the raw images in pixels. */
  readonly side: number;
  /** The elastic network of every step, so that runs compare. */
  readonly network: string;
  readonly onlyAs?: string;
}

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
function prepare({ config, side, network }: TimedStep): Prepared {
  const count = config.train.batch_size_per_gpu;
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

/** The whole iteration as a case. */
export function stepCase(timed: TimedStep): BenchCase {
  const { name, config, onlyAs } = timed;
  return { name, unit: "images/s", work: config.train.batch_size_per_gpu, onlyAs, prepare: () => prepare(timed) };
}
