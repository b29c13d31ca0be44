import type { RawImage } from "../../src/data/dataset.js";
import { imageArray } from "../../src/data/image-array.js";
import { type PartialConfig, resolveConfig } from "../../src/poa/config.js";
import type { Config } from "../../src/poa/config-keys.js";
import { seeded } from "./kernels.js";

/** The smallest run in which every part of the method takes part: four networks, two heads, masks, local crops. */
const tiny = {
  student: {
    arch: "vit_dynamic",
    patch_size: 4,
    min_embed_dim: 8,
    max_embed_dim: 16,
    head_dim: 8,
    min_depth: 1,
    max_depth: 2,
    net_select_scale: 1,
    layerscale: 0.1,
    drop_path_rate: 0,
  },
  dino: { head_n_prototypes: [12, 20], head_nlayers: 2, head_hidden_dim: 16, head_bottleneck_dim: 8 },
  teacher: { momentum_teacher: 0.9, warmup_teacher_temp_epochs: 1 },
  train: { batch_size_per_gpu: 4, num_workers: 0, OFFICIAL_EPOCH_LENGTH: 4, checkpoint_every_steps: 3, keep_last: 2 },
  optim: { epochs: 2, warmup_epochs: 0.5, freeze_last_layer_epochs: 0.25, ibot_activate_epochs: 0.5 },
  crops: { global_crops_size: 16, local_crops_size: 8, local_crops_number: 2, blur_kernel: 3 },
} as const satisfies PartialConfig;

/** As text, for `--config`. */
export function runConfigYaml(): string {
  return JSON.stringify(tiny, null, 1);
}

/** A resolved tiny config: 8 steps of 4 images unless overridden. */
export function runConfig(...overrides: string[]): Config {
  return resolveConfig(tiny, { overrides }).config;
}

/** Seeded colour images: a bright square on dark noise, whose place depends on the label. */
export function squareImage(index: number, { label = index % 2, side = 16 } = {}): RawImage {
  const next = seeded(index + 1);
  const data = Uint8Array.from({ length: side * side * 3 }, () => 60 * next());
  const corner = label === 0 ? 1 : side / 2;
  for (let y = 0; y < side / 2 - 1; y++) {
    for (let x = 0; x < side / 2 - 1; x++) {
      for (let c = 0; c < 3; c++) data[((corner + y) * side + corner + x) * 3 + c] += 150 + 20 * c;
    }
  }
  return { width: side, height: side, channels: 3, data };
}

/** Such images in memory, with labels 0 and 1 in turn. */
export function squareSource(count: number, side = 16) {
  const images = Array.from({ length: count }, (_, i) => squareImage(i, { side }));
  return imageArray(images, { labels: images.map((_, i) => i % 2), classes: ["left", "right"] });
}

/**
 * Settings of a run of 240 cheap steps whose teacher tells nothing apart: divided by a temperature of 50, logits of unit vectors
 * differ by at most 0.04.
 */
export const runsOutOfTargets: readonly string[] = [
  ...[
    "optim.epochs=60",
    "optim.warmup_epochs=0",
    "optim.lr=0.0005",
    "ibot.loss_weight=0",
    "crops.local_crops_number=0",
  ],
  ...["student.max_embed_dim=8", "student.max_depth=1", "student.init=fan_in", "dino.head_n_prototypes=[12]"],
  ...["teacher.warmup_teacher_temp_epochs=0", "teacher.warmup_teacher_temp=50", "teacher.teacher_temp=50"],
];

/** Laid over them, the run is sound. */
export const sharpTargets: readonly string[] = ["teacher.warmup_teacher_temp=0.04", "teacher.teacher_temp=0.04"];
