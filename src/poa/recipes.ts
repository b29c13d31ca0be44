import type { PartialConfig } from "./config-keys.js";

/** A named starting point: what differs from the official recipe of its backbone. */
export interface Preset {
  readonly description: string;
  readonly settings: PartialConfig;
}

/**
 * What a few minutes on one core want, learned on digits and CIFAR-10: embeddings that start large, linear weights scaled
 * by fan-in, a fast teacher with sharp targets, small batches, no batch scaling of the learning rate.
 */
const fewMinutes = {
  dino: { head_n_prototypes: [256], head_nlayers: 2, head_hidden_dim: 128, head_bottleneck_dim: 32, lambda_ie: 0.5 },
  ibot: { loss_weight: 0 },
  teacher: {
    momentum_teacher: 0.9,
    final_momentum_teacher: 0.99,
    warmup_teacher_temp: 0.02,
    teacher_temp: 0.02,
    warmup_teacher_temp_epochs: 0,
  },
  train: { batch_size_per_gpu: 32, OFFICIAL_EPOCH_LENGTH: null },
  optim: {
    lr: 2e-3,
    min_lr: 1e-5,
    weight_decay: 0.04,
    weight_decay_end: 0.04,
    clip_grad: 3,
    layerwise_decay: 1,
    patch_embed_lr_mult: 1,
    freeze_last_layer_epochs: 0,
    iter_num_scale: 1,
  },
  evaluation: { eval_period_iterations: null },
} as const satisfies PartialConfig;

const halfStrengthColour = {
  jitter: [0.2, 0.2, 0.1, 0.05],
  grayscale_probability: 0.1,
  solarize_probability: 0,
  blur_probability: [0, 0, 0],
  blur_kernel: 3,
} as const satisfies PartialConfig["crops"];

const smallPhotos = {
  ...halfStrengthColour,
  global_crops_size: 64,
  global_crops_scale: [0.4, 1],
  local_crops_size: 32,
  local_crops_scale: [0.15, 0.5],
  local_crops_number: 2,
} as const satisfies PartialConfig["crops"];

/** Digits have no colour, and are others if mirrored. */
const digits = {
  global_crops_scale: [0.6, 1],
  local_crops_scale: [0.35, 0.8],
  local_crops_number: 2,
  rotation_degrees: 20,
  flip_probability: 0,
  jitter_probability: 0,
  grayscale_probability: 0,
  solarize_probability: 0,
  blur_probability: [0, 0, 0],
  blur_kernel: 3,
  mean: [0.13, 0.13, 0.13],
  std: [0.31, 0.31, 0.31],
} as const satisfies PartialConfig["crops"];

const smallSwin = {
  arch: "swin_dynamic",
  patch_size: 4,
  min_embed_dim: 16,
  max_embed_dim: 32,
  head_dim: 8,
  min_s3_depth: 1,
  max_depths: [1, 1, 2, 1],
  window_size: 2,
  drop_path_rate: 0,
  init: "fan_in",
} as const satisfies PartialConfig["student"];

const narrowSwin = { ...smallSwin, min_embed_dim: 8, max_embed_dim: 16, head_dim: 4 } as const;

/** The recipes by name: the official ones, and those for small images and a CPU. */
export const presets = {
  vit_ee1200: {
    description: "official ViT recipe: ViT-S to ViT-L, 1,200 effective epochs",
    settings: { student: { arch: "vit_dynamic" } },
  },
  swin_ee1200: {
    description: "official Swin recipe: Swin-T to Swin-B, 1,200 effective epochs",
    settings: { student: { arch: "swin_dynamic" } },
  },
  resnet_ee2400: {
    description: "official ResNet recipe: ResNet-50 to ResNet-152, 2,400 effective epochs",
    settings: { student: { arch: "resnet_dynamic" } },
  },
  "cifar-tiny": {
    description: "official hyper-parameters at CIFAR-10 size, for comparison with the official code; hardly learns",
    settings: {
      student: {
        arch: "vit_dynamic",
        patch_size: 4,
        min_embed_dim: 48,
        max_embed_dim: 96,
        head_dim: 16,
        min_depth: 2,
        max_depth: 4,
        layerscale: 0.1,
        drop_path_rate: 0,
      },
      dino: { head_n_prototypes: [512, 1024], head_nlayers: 3, head_hidden_dim: 256, head_bottleneck_dim: 64 },
      teacher: { momentum_teacher: 0.99, warmup_teacher_temp_epochs: 2 },
      train: { batch_size_per_gpu: 64, OFFICIAL_EPOCH_LENGTH: null },
      optim: { epochs: 5, warmup_epochs: 1, ibot_activate_epochs: 0 },
      crops: { global_crops_size: 32, local_crops_size: 16, local_crops_number: 4, blur_kernel: 3 },
      evaluation: { eval_period_iterations: null },
    },
  },
  demo: {
    description: "handwritten digits in two and a half minutes on two cores",
    settings: {
      ...fewMinutes,
      student: narrowSwin,
      train: { ...fewMinutes.train, batch_size_per_gpu: 16 },
      optim: { ...fewMinutes.optim, lr: 3e-3, epochs: 6, warmup_epochs: 0.6 },
      crops: { ...digits, global_crops_size: 32, local_crops_size: 16 },
    },
  },
  "vit-digits": {
    description: "handwritten digits in two minutes on one core",
    settings: {
      ...fewMinutes,
      student: {
        arch: "vit_dynamic",
        patch_size: 7,
        min_embed_dim: 32,
        max_embed_dim: 64,
        head_dim: 16,
        min_depth: 2,
        max_depth: 3,
        layerscale: 1,
        drop_path_rate: 0,
        init: "fan_in",
        pos_embed_std: 1,
        cls_token_std: 1,
      },
      train: { ...fewMinutes.train, batch_size_per_gpu: 16 },
      optim: { ...fewMinutes.optim, lr: 3e-3, epochs: 8, warmup_epochs: 0.8 },
      crops: { ...digits, global_crops_size: 28, local_crops_size: 14 },
    },
  },
  "vit-tiny": {
    description: "ViT for small images, eight minutes on one core for 50,000 images seen",
    settings: {
      ...fewMinutes,
      student: {
        arch: "vit_dynamic",
        patch_size: 8,
        min_embed_dim: 64,
        max_embed_dim: 128,
        head_dim: 32,
        min_depth: 2,
        max_depth: 4,
        layerscale: 1,
        drop_path_rate: 0,
        init: "fan_in",
        pos_embed_std: 1,
        cls_token_std: 1,
      },
      train: { ...fewMinutes.train, batch_size_per_gpu: 16 },
      optim: { ...fewMinutes.optim, epochs: 5, warmup_epochs: 0.5 },
      crops: {
        ...smallPhotos,
        global_crops_size: 32,
        global_crops_scale: [0.5, 1],
        local_crops_size: 16,
        local_crops_scale: [0.25, 0.7],
      },
    },
  },
  "swin-tiny": {
    description: "Swin for small images, six minutes on one core for 50,000 images seen",
    settings: {
      ...fewMinutes,
      student: smallSwin,
      train: { ...fewMinutes.train, batch_size_per_gpu: 16 },
      optim: { ...fewMinutes.optim, epochs: 5, warmup_epochs: 0.5 },
      crops: { ...smallPhotos, global_crops_size: 32, local_crops_size: 16 },
    },
  },
  "swin-photos": {
    description: "narrow Swin for small photos, 18 minutes on one core for 240,000 images seen",
    settings: {
      ...fewMinutes,
      student: narrowSwin,
      teacher: {
        ...fewMinutes.teacher,
        momentum_teacher: 0.95,
        final_momentum_teacher: 0.999,
        warmup_teacher_temp: 0.04,
        teacher_temp: 0.04,
      },
      train: { ...fewMinutes.train, batch_size_per_gpu: 16 },
      optim: { ...fewMinutes.optim, epochs: 24, warmup_epochs: 1 },
      crops: {
        ...smallPhotos,
        global_crops_size: 32,
        global_crops_scale: [0.3, 1],
        local_crops_size: 16,
        local_crops_scale: [0.1, 0.45],
        jitter: [0.4, 0.4, 0.2, 0.1],
        grayscale_probability: 0.2,
      },
    },
  },
  "resnet-tiny": {
    description: "ResNet for small images, about four minutes on one core for 50,000 images seen (docs/recipes.md)",
    settings: {
      ...fewMinutes,
      student: {
        arch: "resnet_dynamic",
        stem_channels: 16,
        base_channels: 8,
        num_gn_groups: 4,
        min_depths: [1, 1, 1, 1],
        max_depths: [1, 2, 2, 1],
        // A last map of 2 x 2: the mean over a larger one is nearly the same for all images at the start.
        strides: [1, 2, 2, 1],
        ibot_scale_factor: 1,
        init: "fan_in",
      },
      dino: { ...fewMinutes.dino, head_nlayers: 1, head_bottleneck_dim: 64 },
      train: { ...fewMinutes.train, batch_size_per_gpu: 16 },
      teacher: {
        ...fewMinutes.teacher,
        momentum_teacher: 0.95,
        warmup_teacher_temp: 0.01,
        teacher_temp: 0.01,
      },
      optim: { ...fewMinutes.optim, epochs: 5, warmup_epochs: 0.5 },
      crops: {
        ...smallPhotos,
        global_crops_size: 32,
        global_crops_scale: [0.5, 1],
        local_crops_size: 16,
        local_crops_scale: [0.25, 0.7],
        grayscale_probability: 0.2,
      },
    },
  },
  "vit-small": {
    description: "widths 192 to 384, depths 6 to 12 at 96 pixels, up to ViT-S: hours to days (untuned)",
    settings: {
      student: {
        arch: "vit_dynamic",
        patch_size: 8,
        min_embed_dim: 192,
        max_embed_dim: 384,
        head_dim: 64,
        min_depth: 6,
        max_depth: 12,
        layerscale: 0.1,
        drop_path_rate: 0,
      },
      dino: { head_n_prototypes: [4096, 8192], head_hidden_dim: 1024 },
      teacher: { momentum_teacher: 0.99 },
      train: { batch_size_per_gpu: 8, OFFICIAL_EPOCH_LENGTH: null },
      optim: { epochs: 100, ibot_activate_epochs: 0 },
      crops: { global_crops_size: 96, local_crops_size: 48, local_crops_number: 6, blur_kernel: 5 },
      evaluation: { eval_period_iterations: null },
    },
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;

/** Names of the recipes. */
export const presetNames = Object.keys(presets) as PresetName[];
