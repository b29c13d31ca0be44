import type { Network } from "../elastic/space.js";
import type { Backbone } from "../models/backbone.js";
import { dropPathPerSample, stochasticDepth } from "../nn/drop-path.js";
import type { Config } from "../poa/config-keys.js";
import type { StepSettings } from "../poa/step.js";
import { Rng } from "../tensor/random.js";

/** Keeps stochastic depth apart from other uses of the seed: "drop" in ASCII. */
const DROP_STREAM = 0x64726f70;

/**
 * What a step is given besides the schedules: weights, the clipping, the elastic networks as parts of the student, and the
 * draws of stochastic depth.
 *
 * @param backbone  the student's
 */
export function stepSettings(
  { dino, ibot, optim, student, train }: Config,
  backbone: Backbone,
  { iteration, networks }: { iteration: number; networks: readonly Network[] },
): Pick<StepSettings, "clip" | "weights" | "elastic" | "dropPath"> {
  const rng = new Rng(train.seed, DROP_STREAM, iteration);
  const draws = student.arch === "swin_dynamic" ? dropPathPerSample : stochasticDepth;
  return {
    clip: optim.clip_grad > 0 ? optim.clip_grad : Number.POSITIVE_INFINITY,
    weights: {
      lambda: dino.lambda_ie,
      dino: dino.loss_weight,
      ibot: ibot.loss_weight,
      koleo: dino.koleo_loss_weight,
    },
    elastic: networks.map((network) => backbone.slice(network)),
    dropPath: { intact: draws(rng.fork(0)), elastic: draws(rng.fork(1)) },
  };
}
