import { resnetSpace, type SearchSpace, swinSpace, vitSpace } from "../elastic/space.js";
import { DataError } from "../errors.js";
import type { Config } from "./config-keys.js";

/** The networks that a run with this config trains. */
export function searchSpace({ student }: Config): SearchSpace {
  switch (student.arch) {
    case "vit_dynamic":
      return vitSpace({
        minWidth: student.min_embed_dim,
        maxWidth: student.max_embed_dim,
        headDim: student.head_dim,
        widthInterval: student.width_interval,
        minDepth: student.min_depth,
        maxDepth: student.max_depth,
        depthInterval: student.depth_interval,
        scale: student.net_select_scale,
      });
    case "swin_dynamic":
      return swinSpace({
        minWidth: student.min_embed_dim,
        maxWidth: student.max_embed_dim,
        headDim: student.head_dim,
        minDepth: student.min_s3_depth,
        maxDepths: student.max_depths,
      });
    case "resnet_dynamic":
      return resnetSpace({
        baseChannels: student.base_channels,
        groups: student.num_gn_groups,
        minDepths: student.min_depths,
        maxDepths: student.max_depths,
      });
  }
}

/** Counts of steps that follow from a config and the amount of data. */
export interface RunPlan {
  /** batch_size_per_gpu · accumulate · processes. */
  readonly imagesPerStep: number;
  /** Steps per epoch. */
  readonly epochLength: number;
  readonly totalIterations: number;
  readonly warmupIterations: number;
  /** Steps at the start in which the last layer of the heads stays as it is. */
  readonly frozenIterations: number;
  /** Steps over which the teacher's temperature goes to its final value. */
  readonly temperatureIterations: number;
  /** First step with masks; Infinity when the masked-patch loss is off. */
  readonly ibotStart: number;
  /** Learning rate at the end of the warm-up. */
  readonly peakLearningRate: number;
  readonly checkpointEvery: number;
}

/**
 * What a config amounts to on given data. Peak learning rate: `optim.lr` if it is set, else
 * base_lr · √(images per step / 1024).
 *
 * @param images  images in the training set
 * @param processes  processes that train together, each with its own batch
 * @throws DataError if there are fewer images than one step takes and the config does not fix the epoch length
 */
export function planRun(
  { train, optim, teacher, ibot }: Config,
  { images, processes = 1 }: { images: number; processes?: number },
): RunPlan {
  const imagesPerStep = train.batch_size_per_gpu * train.accumulate * processes;
  const epochLength = train.OFFICIAL_EPOCH_LENGTH ?? Math.floor(images / imagesPerStep);
  if (epochLength < 1) {
    throw new DataError(
      `pretrain: ${images} images are fewer than one step takes, ${imagesPerStep}. Add images, lower ` +
        "train.batch_size_per_gpu, or set train.OFFICIAL_EPOCH_LENGTH to repeat them.",
    );
  }
  const steps = (epochs: number) => Math.round(epochs * epochLength);
  return {
    imagesPerStep,
    epochLength,
    totalIterations: Math.max(1, steps(optim.epochs)),
    warmupIterations: steps(optim.warmup_epochs),
    frozenIterations: steps(optim.freeze_last_layer_epochs),
    temperatureIterations: steps(teacher.warmup_teacher_temp_epochs),
    ibotStart: ibot.loss_weight > 0 ? steps(optim.ibot_activate_epochs) : Infinity,
    peakLearningRate: optim.lr > 0 ? optim.lr : optim.base_lr * Math.sqrt(imagesPerStep / 1024),
    checkpointEvery: train.checkpoint_every_steps ?? epochLength,
  };
}
