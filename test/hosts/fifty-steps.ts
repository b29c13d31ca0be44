import { imageArray } from "../../src/data/image-array.js";
import { resolveConfig } from "../../src/poa/config.js";
import type { PresetName } from "../../src/poa/recipes.js";
import { Rng } from "../../src/tensor/random.js";
import { Trainer } from "../../src/train/trainer.js";

const ofTransformers = ["ibot.loss_weight=1", "student.drop_path_rate=0.1"];

/** Runs whose weights are told by a hash: each has every loss, every augmentation and elastic networks. */
export const runs = {
  "vit-tiny": ["student.min_embed_dim=32", "student.max_embed_dim=64", "student.max_depth=3", ...ofTransformers],
  "swin-tiny": [...ofTransformers, "train.batch_size_per_gpu=2"],
  "resnet-tiny": ["student.base_channels=4"],
} as const satisfies Partial<Record<PresetName, readonly string[]>>;

export type RunName = keyof typeof runs;

export const runNames = Object.keys(runs) as RunName[];

const common = [
  ...["train.batch_size_per_gpu=4", "train.OFFICIAL_EPOCH_LENGTH=50", "train.seed=7"],
  ...["optim.epochs=1", "optim.warmup_epochs=0.2", "optim.ibot_activate_epochs=0.1", "optim.layerwise_decay=0.9"],
  ...["dino.koleo_loss_weight=0.1", "dino.head_n_prototypes=[64,32]"],
  ...["crops.blur_probability=[0.5,0.5,0.5]", "crops.solarize_probability=0.3", "crops.rotation_degrees=10"],
];

/** A run in memory on images that are drawn. Needs `init()`. */
export function smallRun(name: RunName): Trainer {
  const overrides = [...common, ...runs[name]];
  const { config } = resolveConfig({}, { preset: name, overrides });
  return new Trainer(config, imageArray(drawnImages(24)));
}

/** Images of 40 × 36 pixels, each of its own colour with noise on it. */
export function drawnImages(count: number): { width: number; height: number; channels: 3; data: Uint8Array }[] {
  return Array.from({ length: count }, (_, i) => {
    const rng = new Rng(5, i);
    const color = [rng.integer(40, 215), rng.integer(40, 215), rng.integer(40, 215)];
    const data = Uint8Array.from({ length: 40 * 36 * 3 }, (_, at) => color[at % 3] + rng.integer(-40, 40));
    return { width: 40, height: 36, channels: 3, data };
  });
}

/** Trains fifty steps. @throws Error if one changed no weight */
export async function fiftySteps(trainer: Trainer): Promise<void> {
  while (!trainer.finished) {
    const { iteration, updated } = await trainer.step();
    if (!updated) throw new Error(`step ${iteration} was not finite`);
  }
  if (trainer.iteration !== 50) throw new Error(`${trainer.iteration} steps, expected 50`);
}

/** SHA-256 over the names and bits of all weights, centres and moments. */
export async function hashOf(trainer: Trainer): Promise<string> {
  const { student, teacher, optimizer } = trainer.state();
  const parts: Uint8Array[] = [];
  for (const tensors of [student, teacher, optimizer]) {
    for (const [name, x] of tensors) {
      const values = x.toArray();
      parts.push(new TextEncoder().encode(name), new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  }
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
