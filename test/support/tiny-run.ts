import type { PoaBatch } from "../../src/poa/batch.js";
import { buildState } from "../../src/poa/build.js";
import { resolveConfig } from "../../src/poa/config.js";
import type { Config, PartialConfig } from "../../src/poa/config-keys.js";
import type { PoaState, StepSettings } from "../../src/poa/step.js";
import { fromArray } from "../../src/tensor/create.js";
import { numbers } from "./gradcheck.js";

/** The smallest run that has everything: two widths, two depths, two heads, local crops. */
export function tinyConfig(changes: PartialConfig = {}): Config {
  const tiny = {
    student: {
      ...{ arch: "vit_dynamic", patch_size: 4, min_embed_dim: 4, max_embed_dim: 8, head_dim: 4 },
      ...{ min_depth: 1, max_depth: 2, layerscale: 1, init: "fan_in" },
    },
    crops: { global_crops_size: 8, local_crops_size: 4, local_crops_number: 3, blur_kernel: 3 },
    dino: { head_n_prototypes: [6, 5], head_hidden_dim: 8, head_bottleneck_dim: 4 },
    ibot: { head_n_prototypes: [7, 4], head_hidden_dim: 8, head_bottleneck_dim: 4 },
    train: { batch_size_per_gpu: 2 },
  } as const;
  const sections = Object.keys({ ...tiny, ...changes }) as (keyof PartialConfig)[];
  const merged = sections.map((key) => [key, { ...(tiny as PartialConfig)[key], ...changes[key] }]);
  return resolveConfig(Object.fromEntries(merged)).config;
}

const tinyHeads = { head_n_prototypes: [6, 5], head_hidden_dim: 8, head_bottleneck_dim: 4 } as const;

/** The same of a Swin, for crops of 16 pixels: widths 4 and 8, depths 1 to 3 of stage 3, masks on 2 x 2 cells. */
export function tinySwin(...overrides: string[]): Config {
  const settings: PartialConfig = {
    student: {
      ...{ arch: "swin_dynamic", patch_size: 2, min_embed_dim: 4, max_embed_dim: 8, head_dim: 4, min_s3_depth: 1 },
      ...{ max_depths: [1, 1, 3, 1], window_size: 2, init: "fan_in" },
    },
    crops: { global_crops_size: 16, local_crops_size: 8, local_crops_number: 2, blur_kernel: 3 },
    dino: tinyHeads,
    train: { batch_size_per_gpu: 2 },
  };
  return resolveConfig(settings, { overrides }).config;
}

/** The same of a ResNet: middle widths 4, 6 and 8, one or two blocks in stages 2 and 3, masks on 4 x 4 cells. */
export function tinyResnet(...overrides: string[]): Config {
  const settings: PartialConfig = {
    student: {
      ...{ arch: "resnet_dynamic", stem_channels: 4, base_channels: 4, num_gn_groups: 2 },
      ...{ min_depths: [1, 1, 1, 1], max_depths: [1, 2, 2, 1], strides: [1, 2, 1, 1], init: "fan_in" },
    },
    crops: { global_crops_size: 16, local_crops_size: 8, local_crops_number: 2, blur_kernel: 3 },
    dino: tinyHeads,
    train: { batch_size_per_gpu: 2, scale_for_num_patch: 1 },
  };
  return resolveConfig(settings, { overrides }).config;
}

/** Student, teacher and optimiser with seeded numbers of order one, so that no part is too small to be seen. */
export function tinyState(changes: PartialConfig = {}): PoaState {
  const state = buildState(tinyConfig(changes));
  for (const [branch, shift] of [
    [state.student, 0],
    [state.teacher, 1000],
  ] as const) {
    for (const [name, x] of branch.namedParameters()) {
      const center = /norm.*weight|gamma|weight_g/.test(name) ? 1 : 0;
      x.write(numbers(x.shape, x.numel + name.length + shift).map((value) => center + 0.4 * value));
    }
  }
  return state;
}

/** Seeded crops of B images with some patches masked. */
export function tinyBatch(seed = 1, { images = 2, locals = 3, masked = true } = {}): PoaBatch {
  const crops = (count: number, side: number, stream: number) =>
    fromArray(numbers([count, 3, side, side], stream), [count, 3, side, side]);
  const masks = new Int32Array(2 * images * 4);
  const indices = Int32Array.of(1, 2, 8 * images - 1);
  for (const index of indices) masks[index] = 1;
  return {
    images,
    globals: crops(2 * images, 8, seed),
    locals: locals > 0 ? crops(locals * images, 4, seed + 500) : null,
    masked: masked
      ? { masks: fromArray(masks, [2 * images, 4], "i32"), indices, weights: Float32Array.of(0.5, 0.5, 1) }
      : null,
  };
}

/** A step that trains the part of width 4 and depth 1. */
export function tinySettings({ student }: PoaState, changes: Partial<StepSettings> = {}): StepSettings {
  return {
    ...{ lr: 0.01, lastLayerLr: 0.01, weightDecay: 0.1, momentum: 0.9, teacherTemperature: 0.1, clip: 1.5 },
    weights: { lambda: 0.8, dino: 1.5, ibot: 0.7, koleo: 0.3 },
    elastic: [student.backbone.slice({ width: 4, depth: 1 })],
    dropPath: { intact: null, elastic: null },
    ...changes,
  };
}
