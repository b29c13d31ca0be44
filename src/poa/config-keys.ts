import {
  type Architecture,
  architectures,
  type Bounds,
  choice,
  each,
  flag,
  inert,
  integer,
  integerList,
  integers,
  type Key,
  number,
  numbers,
  orNull,
  range,
  text,
} from "./config-key.js";

const any: Bounds = {};
const unit: Bounds = { min: 0, max: 1 };
const belowOne: Bounds = { min: 0, below: 1 };
const positive: Bounds = { above: 0 };
const notNegative: Bounds = { min: 0 };
const count: Bounds = { min: 1, max: 2 ** 31 - 1 };
const side: Bounds = { min: 1, max: 8192 };
const channels: Bounds = { min: 1, max: 65536 };
const blocks: Bounds = { min: 1, max: 1024 };
const repeats: Bounds = { min: 1, max: 64 };
const share: Bounds = { above: 0, max: 1 };
const span: Bounds = { min: 0, max: 1e9 };

const prototypes = [8192, 16384, 32768, 65536];
const prototypeCount: Bounds = { min: 2, max: 2 ** 24 };

/**
 * Every setting outside `student`: kind, official value, meaning. Values that differ between backbones stand in the order
 * ViT, Swin, ResNet. Epochs may be fractions; they are rounded to whole steps.
 */
export const sections = {
  MODEL: {
    WEIGHTS: inert(text("", "initial weights"), "--init decides where training starts"),
  },
  dino: {
    loss_weight: number(1, notNegative, "weight of the cross-view loss"),
    head_n_prototypes: integerList(
      prototypes,
      prototypeCount,
      "prototypes of each projection head; one head per entry",
    ),
    head_bottleneck_dim: integer(256, channels, "length of the unit vectors that prototypes are compared with"),
    head_nlayers: integer(3, { min: 1, max: 16 }, "linear layers before the prototypes"),
    head_hidden_dim: integer(2048, channels, "channels between those layers"),
    koleo_loss_weight: number(0.1, notNegative, "weight of the KoLeo loss, which spreads the features"),
    lambda_ie: number(0.8, unit, "share of the intact student in the loss; the elastic one has the rest"),
    teacher_sinkhorn_iterations: integer(3, repeats, "rounds of Sinkhorn-Knopp"),
  },
  ibot: {
    loss_weight: number(1, notNegative, "weight of the masked-patch loss; 0 switches masks off"),
    mask_sample_probability: number(0.5, unit, "share of the global crops that are masked"),
    mask_ratio_min_max: range(each([0.1, 0.5], [0.1, 0.3], [0.1, 0.3]), unit, "share of the patches masked in those"),
    separate_head: flag(false, "patches get heads of their own"),
    head_n_prototypes: integerList(prototypes, prototypeCount, "as in dino, for separate heads"),
    head_bottleneck_dim: integer(256, channels, "as in dino, for separate heads"),
    head_nlayers: integer(3, { min: 1, max: 16 }, "as in dino, for separate heads"),
    head_hidden_dim: integer(2048, channels, "as in dino, for separate heads"),
  },
  train: {
    batch_size_per_gpu: integer(each(50, 64, 40), count, "images per process and micro-batch"),
    dataset_path: inert(text("ImageNet:split=TRAIN", "official data set"), "--data names the images"),
    output_dir: inert(text(".", "official output folder"), "--out names the run folder"),
    saveckp_freq: inert(
      integer(20, count, "epochs between official checkpoints"),
      "train.checkpoint_every_steps decides",
    ),
    seed: integer(0, notNegative, "the source of all randomness"),
    num_workers: integer(
      10,
      { min: 0, max: 1024 },
      "threads that decode and augment image files, at most: one for each core that does not compute, one if all do",
    ),
    OFFICIAL_EPOCH_LENGTH: orNull(
      integer(1, count, "steps per epoch; null = images / images per step"),
      each<number | null>(800, 625, 1000),
    ),
    cache_dataset: inert(flag(true, "official data set cache"), "train.cache decides"),
    centering: choice(["sinkhorn_knopp", "centering"], "sinkhorn_knopp", "how the teacher's targets are balanced"),
    scale_for_num_patch: integer(each(1, 4, 4), { min: 1, max: 64 }, "patches per side of a mask cell"),
    accumulate: integer(1, count, "micro-batches per step"),
    recompute: flag(false, "run blocks again in backward instead of keeping their activations"),
    cache: choice(["none", "memory", "disk"], "none", "where decoded images are kept"),
    cache_gib: orNull(number(1, positive, "bound on them in GiB; null = 2 in memory, 16 on disk")),
    cache_dir: orNull(
      text("", "folder of those on disk, which runs may share; null = in the run folder, until it is done"),
    ),
    max_bad_steps: integer(20, count, "steps in a row with a non-finite loss before the run stops"),
    checkpoint_every_steps: orNull(integer(1, count, "steps between checkpoints; null = one epoch")),
    checkpoint_every_minutes: orNull(number(1, positive, "minutes between checkpoints")),
    keep_last: integer(3, count, "newest checkpoints that are kept, beside step 0"),
    keep_best: integer(
      0,
      { min: 0, max: 1024 },
      "best checkpoints that are kept besides: by k-NN with evaluation.knn, else by the loss",
    ),
    stop_on_collapse: flag(false, "end the run (exit code 4) when it shows signs of collapse, instead of a warning"),
    tensorboard: flag(false, "event files beside metrics.jsonl"),
  },
  teacher: {
    momentum_teacher: number(0.992, unit, "EMA momentum at the start"),
    final_momentum_teacher: number(0.9999, unit, "EMA momentum at the end"),
    warmup_teacher_temp: number(0.04, positive, "temperature of the targets at the start"),
    teacher_temp: number(0.07, positive, "temperature of the targets after its warm-up"),
    warmup_teacher_temp_epochs: number(30, span, "epochs of that warm-up"),
  },
  optim: {
    weight_decay: number(0.04, notNegative, "weight decay at the start"),
    weight_decay_end: number(0.4, notNegative, "weight decay at the end"),
    base_lr: number(0.004, positive, "learning rate at 1,024 images per step"),
    lr: number(0, notNegative, "peak learning rate as it is; 0 = base_lr scaled by scaling_rule"),
    warmup_epochs: number(each(10, 30, 30), span, "epochs from learning rate 0 to the peak"),
    min_lr: number(2e-5, notNegative, "learning rate at the end"),
    clip_grad: number(1.5, notNegative, "largest gradient norm per submodule; 0 = no clipping"),
    freeze_last_layer_epochs: number(1, span, "epochs in which the prototypes stay as they are"),
    scaling_rule: choice(["sqrt_wrt_1024"], "sqrt_wrt_1024", "peak = base_lr · √(images per step / 1024)"),
    patch_embed_lr_mult: number(0.2, notNegative, "learning rate multiplier of the patch embedding"),
    layerwise_decay: number(each(0.9, 0.9, 0.95), share, "learning rate multiplier from each block to the one before"),
    adamw_beta1: number(0.9, belowOne, "AdamW"),
    adamw_beta2: number(0.999, belowOne, "AdamW"),
    iter_num_scale: number(
      each(0.78, 0.9, 1),
      { min: 0.7, max: 1 },
      "share of the cosine curves that the run goes through",
    ),
    ibot_activate_epochs: number(30, span, "epoch in which masks start"),
    epochs: number(each(346, 346, 692), { above: 0, max: 1e9 }, "length of the run"),
    moments: choice(["memory", "host"], "memory", "where AdamW's moments live"),
  },
  crops: {
    global_crops_scale: range([0.32, 1], share, "area of a global crop as a share of the image"),
    local_crops_number: integer(8, { min: 0, max: 64 }, "local crops per image"),
    local_crops_scale: range([0.05, 0.32], share, "area of a local crop"),
    global_crops_size: integer(224, side, "side of a global crop in pixels"),
    local_crops_size: integer(96, side, "side of a local crop in pixels"),
    blur_kernel: integer(9, { min: 1, max: 127, odd: true }, "side of the blur's window in pixels"),
    blur_probability: numbers([0, 0.9, 0.5], unit, "blurred share of global crop 1, global crop 2, local crops"),
    jitter: numbers([0.4, 0.4, 0.2, 0.1], unit, "strength of brightness, contrast, saturation, hue jitter"),
    jitter_probability: number(0.8, unit, "share of the crops with jitter"),
    grayscale_probability: number(0.2, unit, "share of the crops without colour"),
    solarize_probability: number(0.2, unit, "solarised share of global crop 2"),
    flip_probability: number(0.5, unit, "share of the crops flipped left to right"),
    rotation_degrees: number(0, { min: 0, max: 180 }, "largest rotation to either side"),
    mean: numbers([0.485, 0.456, 0.406], any, "mean of red, green, blue, subtracted"),
    std: numbers([0.229, 0.224, 0.225], positive, "deviation of red, green, blue, divided by"),
  },
  evaluation: {
    eval_period_iterations: orNull(
      integer(1, count, "steps between evaluations, where there is labelled data; null = one epoch"),
      each<number | null>(27680, 21625, 55360),
    ),
    knn: orNull(text("", "labelled data for k-NN of the teacher during training, as --data of eval knn")),
    every_minutes: orNull(number(1, positive, "minutes between evaluations, besides")),
    images: integer(2000, count, "labelled images that an evaluation reads: of the bank, and of the queries, at most"),
  },
} as const satisfies Record<string, Record<string, Key<unknown>>>;

/** Settings of `student` that every backbone has. */
export const studentKeys = {
  mode: choice(["order"], "order", "which channels a narrow network keeps: the first"),
  patch_size: integer(each(16, 4, 4), { min: 1, max: 256 }, "side of a patch in pixels"),
  pretrained_weights: inert(text("", "initial weights"), "--init decides where training starts"),
  width_interval: integer(1, { min: 1, max: 64 }, "steps of head_dim between widths (ViT)"),
  depth_interval: integer(1, { min: 1, max: 64 }, "blocks between depths (ViT)"),
  net_select_scale: number(each(3, 2, 2), { min: 1, max: 16 }, "how much more often small widths and depths are drawn"),
  init: choice(["official", "fan_in"], "official", "linear weights: std 0.02, or 1/√fan_in"),
  samples_per_step: integer(
    1,
    { min: 0, max: 1024 },
    "elastic networks per step; 0: the full network learns alone (then dino.lambda_ie is 1)",
  ),
  slice_scale: flag(
    true,
    "layers of a narrower network multiply their inputs by full / active inputs (α); false only to compare",
  ),
} as const satisfies Record<string, Key<unknown>>;

const transformerKeys = {
  min_embed_dim: integer(each(384, 96, 0), channels, "smallest width"),
  max_embed_dim: integer(each(1024, 128, 0), channels, "largest width"),
  head_dim: integer(each(64, 16, 0), channels, "channels of an attention head"),
  drop_path_rate: number(0.2, belowOne, "rate of stochastic depth"),
  qkv_bias: flag(true, "bias of queries, keys, values"),
} as const satisfies Record<string, Key<unknown>>;

const hierarchyKeys = {
  ibot_scale_factor: integer(2, { min: 1, max: 64 }, "upsampling of the last map before patches are compared"),
} as const satisfies Record<string, Key<unknown>>;

/** Settings of `student` that only some backbones have. */
export const studentKeysOf = {
  vit_dynamic: {
    ...transformerKeys,
    min_depth: integer(12, blocks, "fewest blocks"),
    max_depth: integer(24, blocks, "most blocks"),
    layerscale: number(1e-5, notNegative, "start of the layer scale"),
    drop_path_uniform: flag(true, "the same rate in all blocks, or rising from 0"),
    ffn_layer: choice(["mlp"], "mlp", "kind of the feed-forward layer"),
    proj_bias: flag(true, "bias after attention"),
    ffn_bias: flag(true, "bias of the feed-forward layers"),
    pos_embed_std: number(0.02, notNegative, "deviation of the position embedding at the start"),
    cls_token_std: number(1e-6, notNegative, "deviation of the class token at the start"),
  },
  swin_dynamic: {
    ...transformerKeys,
    ...hierarchyKeys,
    min_s3_depth: integer(6, blocks, "fewest blocks of stage 3"),
    max_depths: integers([2, 2, 18, 2], blocks, "blocks of the four stages"),
    window_size: integer(7, { min: 1, max: 64 }, "side of an attention window in tokens"),
  },
  resnet_dynamic: {
    ...hierarchyKeys,
    min_depths: integers([3, 4, 6, 3], blocks, "fewest blocks of the four stages"),
    max_depths: integers([3, 8, 36, 3], blocks, "most blocks of the four stages"),
    stem_channels: integer(64, channels, "channels of the stem"),
    base_channels: integer(64, channels, "fewest middle channels of stage 1"),
    num_gn_groups: integer(32, channels, "groups of every group normalisation"),
    strides: integers([1, 2, 2, 2], { min: 1, max: 4 }, "strides of the four stages"),
  },
} as const satisfies Record<string, Record<string, Key<unknown>>>;

/** The backbone; it decides which other settings of `student` there are. */
export const archKey = choice(architectures, "vit_dynamic", "backbone");

/** The values that settings take. */
type Values<K> = { readonly [N in keyof K]: K[N] extends Key<infer T> ? T : never };
/** The sections beside `student`, with the values of their settings. */
type Sections = { readonly [S in keyof typeof sections]: Values<(typeof sections)[S]> };
/** The settings of `student` for one backbone. */
type StudentOf<A extends Architecture> = { readonly arch: A } & Values<typeof studentKeys> &
  Values<(typeof studentKeysOf)[A]>;

/** Settings of the backbone; `arch` tells which of them there are. */
export type Student = StudentOf<"vit_dynamic"> | StudentOf<"swin_dynamic"> | StudentOf<"resnet_dynamic">;

/** Every setting of a run, complete and checked, nested as in the YAML files. */
export type Config = Sections & { readonly student: Student };

/** Some of the settings of each section. */
type PartOf<T> = T extends unknown ? { readonly [N in keyof T]?: T[N] } : never;

/** Some settings; the others keep the values of the official recipe for the backbone. */
export type PartialConfig = { readonly [S in keyof Config]?: PartOf<Config[S]> };
