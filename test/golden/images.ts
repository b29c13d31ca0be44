import { step } from "../../src/autograd/tape.js";
import { applyAugmentation, augmentBytes } from "../../src/data/augment.js";
import type { AugmentParameters } from "../../src/data/augment-parameters.js";
import { EvalTransform } from "../../src/data/eval-transform.js";
import { type ImageView, ImageWorkspace } from "../../src/data/image-workspace.js";
import { knnVote } from "../../src/eval/knn.js";
import { cosineSchedule, frozenSchedule, linearSchedule, type Schedule } from "../../src/optim/schedule.js";
import { runtime } from "../../src/runtime/context.js";
import { fromArray, persistent } from "../../src/tensor/create.js";
import type { GoldenCase } from "./case.js";
import { Comparison } from "./compare.js";

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Operations on 8-bit images against torchvision on Pillow images: augment_ops. */
export function runAugmentOps(golden: GoldenCase): Comparison {
  const { config } = golden.entry;
  const comparison = new Comparison();
  const image = golden.get("in.image");
  const [height, width, channels] = image.shape;
  const raw = { height, width, channels, data: Uint8Array.from(image.data) };
  const workspace = new ImageWorkspace({ channels, ...IMAGENET });
  workspace.load(raw);
  const whole = { top: 0, left: 0, height, width };
  const untouched: AugmentParameters = {
    rotation: 0,
    window: whole,
    flip: false,
    jitter: [],
    grayscale: false,
    blur: null,
    solarize: false,
  };
  const levels = (name: string, bytes: Uint8Array) =>
    comparison.close(name, bytes, golden.get(name), { atol: name === "out.hue" ? 2 : 1 });
  const operation = (name: string, given: Partial<AugmentParameters>, size = { height, width }) =>
    levels(name, bytesOf(augmentBytes(workspace, { ...untouched, ...given }, size), channels));

  for (const name of golden.tensors.keys()) {
    const op = name.replace(/^out\./, "");
    const blur = /^gaussian_blur_k(\d+)$/.exec(op);
    const centre = /^resize(\d+)_center(\d+)$/.exec(op);
    if (op === "brightness" || op === "contrast" || op === "saturation" || op === "hue")
      operation(name, { jitter: [{ op, amount: config[op] }] });
    else if (op === "grayscale") operation(name, { grayscale: true });
    else if (op === "solarize128") operation(name, { solarize: true });
    else if (op === "hflip") operation(name, { flip: true });
    else if (blur) operation(name, { blur: { kernel: Number(blur[1]), sigma: config.sigma } });
    else if (op === "resized_crop_bicubic") {
      const [top, left, h, w] = config.crop;
      operation(name, { window: { top, left, height: h, width: w } }, { height: config.size, width: config.size });
    } else if (centre) {
      const geometry = { kind: "crop", shortSide: Number(centre[1]), size: Number(centre[2]) } as const;
      levels(name, bytesOf(new EvalTransform({ geometry, channels, ...IMAGENET }).bytes(raw), channels));
    } else if (op === "normalized") {
      const target = persistent([channels, height, width]);
      applyAugmentation(workspace, untouched, { height, width }, target.ptr);
      comparison.close(name, target.toArray(), golden.get(name), golden.entry.tolerance!.normalized);
    } else if (name.startsWith("out.")) comparison.fail(name, "no such operation");
  }
  return comparison;
}

function bytesOf({ ptr, height, width }: ImageView, channels: number): Uint8Array {
  return runtime().heap.u8.slice(ptr, ptr + height * width * channels);
}

/** The weighted nearest-neighbour vote: knn. */
export function runKnn(golden: GoldenCase): Comparison {
  const { config, tolerance } = golden.entry;
  const comparison = new Comparison();
  const tensor = (name: string) => fromArray(golden.get(name).data, golden.get(name).shape);
  const bank = { features: tensor("in.train"), labels: Int32Array.from(golden.get("in.train_labels").data) };
  const votes = step(() =>
    knnVote(tensor("in.test"), bank, { ks: config.ks, classes: config.num_classes, temperature: config.T }),
  );
  for (const [k, scores] of votes)
    comparison.close(`out.probas.k${k}`, scores, golden.get(`out.probas.k${k}`), tolerance!.out);
  return comparison;
}

/** Every schedule of every configuration in the manifest: schedules. */
export function runSchedules(golden: GoldenCase): Comparison {
  const comparison = new Comparison();
  const tolerance = { rtol: golden.entry.tolerance!.rtol };
  // biome-ignore lint/suspicious/noExplicitAny: the manifest's configurations differ by case
  for (const [family, { full, small }] of Object.entries<any>(golden.entry.config)) {
    for (const [kind, config] of Object.entries({ full, small: { ...full, ...small } })) {
      const schedules = schedulesOf(config);
      const at = golden.tensors.get(`${family}.${kind}.in.iteration`)?.data;
      for (const [name, schedule] of Object.entries(schedules)) {
        const expected = golden.get(`${family}.${kind}.out.${name}`);
        const actual = expected.data.map((_, i) => schedule(at ? at[i] : i));
        comparison.close(`${family}.${kind}.${name}`, actual, expected, tolerance);
      }
    }
  }
  return comparison;
}

// biome-ignore lint/suspicious/noExplicitAny: see above
function schedulesOf(config: any): Record<string, Schedule> {
  const { total_iters: total, epoch_length: epoch, iter_num_scale: scale } = config;
  const lr = cosineSchedule({
    base: config.lr_peak,
    final: config.min_lr,
    total,
    warmup: config.warmup_epochs * epoch,
    scale,
  });
  return {
    lr,
    last_layer_lr: frozenSchedule(lr, config.freeze_last_layer_epochs * epoch),
    wd: cosineSchedule({ base: config.weight_decay, final: config.weight_decay_end, total, scale }),
    momentum: cosineSchedule({ base: config.momentum_teacher, final: config.final_momentum_teacher, total, scale }),
    teacher_temp: linearSchedule({
      start: config.warmup_teacher_temp,
      final: config.teacher_temp,
      total: config.warmup_teacher_temp_epochs * epoch,
    }),
  };
}
