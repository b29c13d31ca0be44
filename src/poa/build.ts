import type { Backbone } from "../models/backbone.js";
import type { ImageContract } from "../models/encoder-spec.js";
import { ResNet } from "../models/resnet.js";
import { SwinTransformer } from "../models/swin.js";
import { VisionTransformer } from "../models/vit.js";
import type { Module } from "../nn/module.js";
import { withoutSliceScale } from "../nn/slice-scale.js";
import { AdamW } from "../optim/adamw.js";
import { parameterGroups } from "../optim/groups.js";
import { alone, type Collective } from "../runtime/collective.js";
import { Rng } from "../tensor/random.js";
import { Branch } from "./branch.js";
import { type Centering, SoftmaxCentering, sinkhornCentering } from "./centering.js";
import type { Config } from "./config-keys.js";
import { ProjectionHeads } from "./head.js";
import type { PoaState } from "./step.js";

/** Input channels of a backbone; grey images are repeated. */
export const CHANNELS = 3;

/** How a config's images look at its network's door. */
export function imageContract({ crops: { global_crops_size, mean, std } }: Config): ImageContract {
  return { imageSize: global_crops_size, mean, std };
}

/** Channels that a bottleneck of the narrowest ResNet returns per middle channel; wider ones return as many. */
const EXPANSION = 4;

/** Streams of the run's seed, apart from those of data and augmentation: "init" in ASCII. */
const INIT_STREAM = 0x696e6974;

/** The widest, deepest backbone of a config's search space, with random weights. */
export function buildBackbone(config: Config, rng: Rng): Backbone {
  return slicedAsTold(newBackbone(config, rng), config);
}

function slicedAsTold<M extends Module>(module: M, { student }: Config): M {
  return student.slice_scale ? module : withoutSliceScale(module);
}

function newBackbone({ student, crops }: Config, rng: Rng): Backbone {
  const { init, patch_size: patchSize } = student;
  const common = { channels: CHANNELS, init, rng };
  switch (student.arch) {
    case "vit_dynamic":
      return new VisionTransformer({
        ...common,
        patchSize,
        imageSize: crops.global_crops_size,
        width: student.max_embed_dim,
        depth: student.max_depth,
        headDim: student.head_dim,
        layerScale: student.layerscale > 0 ? student.layerscale : null,
        qkvBias: student.qkv_bias,
        projBias: student.proj_bias,
        ffnBias: student.ffn_bias,
        dropPathRate: student.drop_path_rate,
        dropPathUniform: student.drop_path_uniform,
        positionStd: student.pos_embed_std,
        classTokenStd: student.cls_token_std,
      });
    case "swin_dynamic":
      return new SwinTransformer({
        ...common,
        patchSize,
        width: student.max_embed_dim,
        depths: student.max_depths,
        headDim: student.head_dim,
        windowSize: student.window_size,
        qkvBias: student.qkv_bias,
        patchScale: student.ibot_scale_factor,
        dropPathRate: student.drop_path_rate,
      });
    case "resnet_dynamic":
      return new ResNet({
        ...common,
        stemChannels: student.stem_channels,
        outChannels: EXPANSION * student.base_channels,
        width: 2 * student.base_channels,
        depths: student.max_depths,
        strides: student.strides,
        norm: "group",
        groups: student.num_gn_groups,
        patchScale: student.ibot_scale_factor,
      });
  }
}

/** A student or teacher with its heads. The same seed gives the same numbers. */
export function buildBranch(config: Config): Branch {
  const { dino, ibot, student, train } = config;
  const rng = new Rng(train.seed, INIT_STREAM);
  const backbone = buildBackbone(config, rng.fork(0));
  const heads = (section: typeof dino | typeof ibot, stream: number) =>
    new ProjectionHeads({
      inFeatures: backbone.featureDim,
      prototypes: section.head_n_prototypes,
      hidden: section.head_hidden_dim,
      bottleneck: section.head_bottleneck_dim,
      layers: section.head_nlayers,
      init: student.init,
      rng: rng.fork(stream),
    });
  const branch = new Branch(backbone, heads(dino, 1), ibot.separate_head ? heads(ibot, 2) : null, train.recompute);
  return slicedAsTold(branch, config);
}

/**
 * Student, teacher (a copy of it that no gradient reaches), optimiser and centerings of a config.
 *
 * @param ranks  the processes that train together; default this one alone
 */
export function buildState(config: Config, ranks: Collective = alone): PoaState {
  const student = buildBranch(config);
  const teacher = student.materialize().requireGrad(false);
  const { optim, dino, ibot, train } = config;
  const groups = parameterGroups(student, {
    layerwiseDecay: optim.layerwise_decay,
    patchEmbedMultiplier: optim.patch_embed_lr_mult,
  });
  const optimizer = new AdamW(groups, { beta1: optim.adamw_beta1, beta2: optim.adamw_beta2, moments: optim.moments });
  const patchHeads = ibot.separate_head ? ibot.head_n_prototypes : dino.head_n_prototypes;
  const centering = (prototypes: number): Centering =>
    train.centering === "sinkhorn_knopp"
      ? sinkhornCentering(dino.teacher_sinkhorn_iterations, ranks)
      : new SoftmaxCentering(prototypes, ranks);
  return {
    student,
    teacher,
    optimizer,
    classCentering: dino.head_n_prototypes.map(centering),
    patchCentering: patchHeads.map(centering),
    ranks,
  };
}
