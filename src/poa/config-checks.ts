import type { Config, Student } from "./config-keys.js";

/** A rule that several settings must keep together. */
export interface CrossCheck {
  /** The settings it looks at, the likeliest culprit first. */
  readonly paths: readonly string[];
  /** @returns what does not fit and what would, or undefined */
  readonly check: (config: Config) => string | undefined;
}

type VitStudent = Extract<Student, { arch: "vit_dynamic" }>;
type SwinStudent = Extract<Student, { arch: "swin_dynamic" }>;
type ResnetStudent = Extract<Student, { arch: "resnet_dynamic" }>;

/** Settings of one backbone that must fit together. */
function forVit(
  paths: readonly string[],
  check: (student: VitStudent, config: Config) => string | undefined,
): CrossCheck {
  return {
    paths,
    check: (config) => (config.student.arch === "vit_dynamic" ? check(config.student, config) : undefined),
  };
}

function forSwin(
  paths: readonly string[],
  check: (student: SwinStudent, config: Config) => string | undefined,
): CrossCheck {
  return {
    paths,
    check: (config) => (config.student.arch === "swin_dynamic" ? check(config.student, config) : undefined),
  };
}

function forResnet(paths: readonly string[], check: (student: ResnetStudent) => string | undefined): CrossCheck {
  return { paths, check: (config) => (config.student.arch === "resnet_dynamic" ? check(config.student) : undefined) };
}

/** The multiples of `unit` around `value`, for a message. */
function multiplesAround(value: number, unit: number): string {
  const below = Math.floor(value / unit) * unit;
  return below === 0 ? `${unit}` : `${below} or ${below + unit}`;
}

const widthPaths = ["student.min_embed_dim", "student.max_embed_dim", "student.head_dim"];

/** Widths go from the smallest to the largest in steps of `step`, all of them multiples of the head dimension. */
function widthProblem(
  { min_embed_dim: min, max_embed_dim: max, head_dim: head }: VitStudent | SwinStudent,
  interval: number,
) {
  if (min > max) return `student.min_embed_dim ${min} is larger than student.max_embed_dim ${max}.`;
  for (const [name, width] of [
    ["min", min],
    ["max", max],
  ] as const) {
    if (width % head === 0) continue;
    return `student.${name}_embed_dim ${width} is not a multiple of student.head_dim ${head}; ${multiplesAround(width, head)} is.`;
  }
  const step = head * interval;
  if ((max - min) % step === 0) return undefined;
  const last = max - ((max - min) % step);
  return `widths from ${min} in steps of head_dim · width_interval = ${step} end at ${last}, before student.max_embed_dim ${max}.`;
}

const MOST_NETWORKS = 100_000;

/** Different networks of the search space, were its ranges right. */
function networkCount(student: Student): number {
  const between = (min: number, max: number, step: number) => Math.floor((max - min) / step) + 1;
  switch (student.arch) {
    case "vit_dynamic": {
      const widths = between(student.min_embed_dim, student.max_embed_dim, student.head_dim * student.width_interval);
      return widths * between(student.min_depth, student.max_depth, student.depth_interval);
    }
    case "swin_dynamic": {
      const widths = between(student.min_embed_dim, student.max_embed_dim, student.head_dim);
      return widths * between(student.min_s3_depth, student.max_depths[2], 1);
    }
    case "resnet_dynamic": {
      const { min_depths: min, max_depths: max } = student;
      const depths = between(min[1], max[1], 1) * between(min[2], max[2], 1);
      return between(student.base_channels, 2 * student.base_channels, student.num_gn_groups) * depths;
    }
  }
}

const spaceChecks: readonly CrossCheck[] = [
  forVit([...widthPaths, "student.width_interval"], (student) => widthProblem(student, student.width_interval)),
  forSwin(widthPaths, (student) => widthProblem(student, 1)),
  forVit(["student.min_depth", "student.max_depth", "student.depth_interval"], (student) => {
    const { min_depth: min, max_depth: max, depth_interval: interval } = student;
    if (min > max) return `student.min_depth ${min} is larger than student.max_depth ${max}.`;
    if ((max - min) % interval === 0) return undefined;
    return `depths from ${min} in steps of ${interval} end at ${max - ((max - min) % interval)}, before student.max_depth ${max}.`;
  }),
  forSwin(["student.min_s3_depth", "student.max_depths"], ({ min_s3_depth: min, max_depths: [, , max] }) =>
    min > max ? `student.min_s3_depth ${min} is larger than the third of student.max_depths, ${max}.` : undefined,
  ),
  forSwin(["student.ibot_scale_factor"], ({ ibot_scale_factor: factor }) =>
    SWIN_REDUCTION % factor === 0
      ? undefined
      : `student.ibot_scale_factor ${factor}: a position of a Swin's last map is ${SWIN_REDUCTION} patches a side, so it is a divisor of that.`,
  ),
  forResnet(["student.min_depths", "student.max_depths"], ({ min_depths: min, max_depths: max }) => {
    const larger = min.findIndex((depth, stage) => depth > max[stage]);
    if (larger >= 0)
      return `student.min_depths has ${min[larger]} blocks in stage ${larger + 1}, student.max_depths only ${max[larger]}.`;
    const fixed = [0, 3].find((stage) => min[stage] !== max[stage]);
    if (fixed === undefined) return undefined;
    return `stage ${fixed + 1} has ${min[fixed]} blocks in student.min_depths and ${max[fixed]} in student.max_depths; only stages 2 and 3 may vary.`;
  }),
  forResnet(["student.num_gn_groups", "student.base_channels", "student.stem_channels"], (student) => {
    const { num_gn_groups: groups } = student;
    for (const name of ["base_channels", "stem_channels"] as const) {
      if (student[name] % groups === 0) continue;
      return `student.${name} ${student[name]} is not a multiple of student.num_gn_groups ${groups}; ${multiplesAround(student[name], groups)} is.`;
    }
    return undefined;
  }),
  {
    paths: [
      "student.max_embed_dim",
      "student.max_depth",
      "student.max_depths",
      "student.base_channels",
      "student.num_gn_groups",
    ],
    check: ({ student }) =>
      networkCount(student) > MOST_NETWORKS
        ? `the search space has ${networkCount(student)} networks, more than ${MOST_NETWORKS}; widen its steps or narrow its ranges.`
        : undefined,
  },
];

/** Patches of the input per position of a Swin's last map and side. */
const SWIN_REDUCTION = 8;

/** Side of the last feature map and of the map that masks are laid on, in positions. */
function maps(student: SwinStudent | ResnetStudent, size: number): { last: number; masked: number } {
  const halved = (side: number) => Math.ceil(side / 2);
  if (student.arch === "swin_dynamic") {
    const masked = Math.floor(size / student.patch_size);
    return { last: halved(halved(halved(masked))), masked };
  }
  const masked = halved(halved(size));
  return { last: student.strides.reduce((side, stride) => Math.ceil(side / stride), masked), masked };
}

/** Masks are drawn on a grid; each of its cells must be whole patches of the input and whole positions of the output. */
function maskGridProblem({ student, crops, train, ibot }: Config): string | undefined {
  if (ibot.loss_weight === 0) return undefined;
  const { global_crops_size: size } = crops;
  const { scale_for_num_patch: scale } = train;
  const cell = student.patch_size * scale;
  if (size % cell !== 0) {
    return `crops.global_crops_size ${size} is not a multiple of a mask cell, student.patch_size · train.scale_for_num_patch = ${cell}; ${multiplesAround(size, cell)} is.`;
  }
  if (student.arch === "vit_dynamic") {
    return scale === 1 ? undefined : `train.scale_for_num_patch ${scale}: a ViT masks single patches, so it is 1.`;
  }
  const grid = size / cell;
  const { last, masked } = maps(student, size);
  if (masked !== grid * scale) {
    return `masks of ${grid} x ${grid} cells, ${scale} positions a side, do not cover the map of ${masked} x ${masked}; student.patch_size is ${size / masked} here.`;
  }
  const factor = student.ibot_scale_factor;
  // A Swin spreads a cell over a fixed number of patches, also where a map of odd side was filled up.
  const spread = student.arch === "swin_dynamic" ? SWIN_REDUCTION / factor : scale;
  if (!Number.isInteger(spread) || (last * factor === grid && spread === scale)) return undefined;
  const fitting = masked / (last * factor);
  const possible = Number.isInteger(fitting) && (student.arch === "resnet_dynamic" || fitting === spread);
  const remedy = possible ? `set train.scale_for_num_patch to ${fitting}` : "change crops.global_crops_size";
  return `the last map of ${last} x ${last}, enlarged by student.ibot_scale_factor ${factor}, does not match masks of ${grid} x ${grid} cells (train.scale_for_num_patch ${scale}); ${remedy}, or ibot.loss_weight to 0.`;
}

function cropSizeProblem(name: "global_crops_size" | "local_crops_size"): CrossCheck {
  return {
    paths: [`crops.${name}`, "student.patch_size"],
    check: ({ student, crops }) => {
      const { patch_size: patch, arch } = student;
      if (arch === "resnet_dynamic" || crops[name] % patch === 0) return undefined;
      return `crops.${name} ${crops[name]} is not a multiple of student.patch_size ${patch}; ${multiplesAround(crops[name], patch)} is.`;
    },
  };
}

const imageChecks: readonly CrossCheck[] = [
  cropSizeProblem("global_crops_size"),
  cropSizeProblem("local_crops_size"),
  {
    paths: [
      "train.scale_for_num_patch",
      "student.ibot_scale_factor",
      "student.strides",
      "crops.global_crops_size",
      "student.patch_size",
    ],
    check: maskGridProblem,
  },
  {
    paths: ["crops.blur_kernel", "crops.local_crops_size", "crops.global_crops_size"],
    check: ({ crops: { blur_kernel: kernel, local_crops_size, global_crops_size } }) => {
      const side = Math.min(local_crops_size, global_crops_size);
      return kernel <= 2 * side - 1
        ? undefined
        : `crops.blur_kernel ${kernel} reaches beyond a crop of ${side} pixels and its reflection; at most ${2 * side - 1}.`;
    },
  },
  {
    paths: ["crops.jitter"],
    check: ({ crops }) =>
      crops.jitter[3] > 0.5 ? `crops.jitter[3], hue, is ${crops.jitter[3]}; at most 0.5, half a turn.` : undefined,
  },
];

const trainingChecks: readonly CrossCheck[] = [
  {
    paths: ["dino.lambda_ie", "student.samples_per_step"],
    check: ({ student: { samples_per_step: samples }, dino: { lambda_ie: lambda } }) =>
      samples === 0 && lambda !== 1
        ? `dino.lambda_ie ${lambda} leaves a share of the loss to elastic networks, and student.samples_per_step 0 trains none; set dino.lambda_ie to 1.`
        : undefined,
  },
  {
    paths: ["evaluation.every_minutes", "evaluation.knn"],
    check: ({ evaluation: { every_minutes: minutes, knn } }) =>
      minutes !== null && knn === null
        ? `evaluation.every_minutes ${minutes}: there is nothing to evaluate on; name labelled data in evaluation.knn.`
        : undefined,
  },
  {
    paths: ["train.batch_size_per_gpu", "dino.koleo_loss_weight"],
    check: ({ train, dino }) =>
      dino.koleo_loss_weight > 0 && train.batch_size_per_gpu < 2
        ? "train.batch_size_per_gpu 1: the KoLeo loss needs a neighbour, so at least 2; or set dino.koleo_loss_weight to 0."
        : undefined,
  },
  {
    paths: ["ibot.mask_sample_probability", "train.batch_size_per_gpu", "ibot.loss_weight"],
    check: ({ train: { batch_size_per_gpu: batch }, ibot: { loss_weight: weight, mask_sample_probability: share } }) =>
      weight > 0 && Math.floor(2 * batch * share) < 1
        ? `ibot.mask_sample_probability ${share} of ${2 * batch} global crops masks none; use a larger share or batch, or set ibot.loss_weight to 0.`
        : undefined,
  },
  {
    paths: ["teacher.momentum_teacher", "teacher.final_momentum_teacher"],
    check: ({ teacher: { momentum_teacher: start, final_momentum_teacher: end } }) =>
      start > end
        ? `teacher.momentum_teacher ${start} is larger than teacher.final_momentum_teacher ${end}.`
        : undefined,
  },
  {
    paths: ["optim.warmup_epochs", "optim.epochs"],
    check: ({ optim: { warmup_epochs: warmup, epochs } }) =>
      warmup > epochs ? `optim.warmup_epochs ${warmup} is longer than the run, optim.epochs ${epochs}.` : undefined,
  },
  {
    paths: ["optim.min_lr", "optim.lr", "optim.base_lr"],
    check: ({ optim: { min_lr: min, lr, base_lr: base } }) => {
      const [name, peak] = lr > 0 ? ["lr", lr] : ["base_lr", base];
      return min > peak ? `optim.min_lr ${min} is larger than optim.${name} ${peak}.` : undefined;
    },
  },
];

/** Every rule between settings; each is checked once its settings are right by themselves. */
export const crossChecks: readonly CrossCheck[] = [...spaceChecks, ...imageChecks, ...trainingChecks];
