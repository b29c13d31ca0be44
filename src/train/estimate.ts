import { MemoryError } from "../errors.js";
import { sizeOfNetwork } from "../models/size.js";
import { buildBranch } from "../poa/build.js";
import type { Config } from "../poa/config-keys.js";
import { planRun, searchSpace } from "../poa/plan.js";
import { runtime } from "../runtime/context.js";
import { shapesOnly } from "../tensor/create.js";

/** Weight, gradient, two moments, teacher. */
const STATE_BYTES_PER_PARAMETER = 20;

/** What a run would need, counted without making it. */
export interface RunEstimate {
  readonly networks: number;
  readonly backboneParams: number;
  readonly headParams: number;
  /** Multiply-adds of one forward pass of the full backbone over one global crop. */
  readonly macs: number;
  readonly iterations: number;
  readonly imagesPerStep: number;
  /** Weights, gradients, moments and teacher; activations come on top. */
  readonly stateBytes: number;
}

/** @throws DataError if the images do not fill a step */
export function estimateRun(config: Config, images: number): RunEstimate {
  const plan = planRun(config, { images });
  const branch = shapesOnly(() => buildBranch(config));
  const { params, macs } = sizeOfNetwork(branch.backbone, config.crops.global_crops_size);
  return {
    networks: searchSpace(config).distinct().length,
    backboneParams: params,
    headParams: branch.parameterCount - branch.backbone.parameterCount,
    macs,
    iterations: plan.totalIterations,
    imagesPerStep: plan.imagesPerStep,
    stateBytes: STATE_BYTES_PER_PARAMETER * branch.parameterCount,
  };
}

/**
 * Looks whether weights, gradients, moments and teacher fit into linear memory, before any is made.
 *
 * @throws MemoryError that says what to lower
 */
export function refuseOversized(config: Config, images: number): void {
  const { stateBytes } = estimateRun(config, images);
  const { memoryLimitBytes } = runtime();
  if (stateBytes <= memoryLimitBytes) return;
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
  throw new MemoryError(
    `pretrain: the state of this run needs ${gib(stateBytes)} GiB of ${gib(memoryLimitBytes)}, without activations. ` +
      "Lower student.max_embed_dim, student.max_depth or dino.head_n_prototypes.",
  );
}
