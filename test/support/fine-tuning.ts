import type { Encoder } from "../../src/models/encoder.js";
import type { StateTensor } from "../../src/optim/moments.js";
import { type FinetuneSettings, finetuneRecipes } from "../../src/train/finetune-settings.js";
import type { FineTuner, FinetuneState } from "../../src/train/finetuner.js";
import { tinyEncoder } from "./tiny-encoder.js";

/** Settings of a run of some seconds at most: two epochs of four steps on 16 images. */
export function tinyTuning(changes: Partial<FinetuneSettings> = {}): FinetuneSettings {
  return { ...finetuneRecipes.small, epochs: 2, batch: 4, lr: 3e-3, warmupEpochs: 0.25, seed: 3, ...changes };
}

/** Everything at once that draws random numbers. */
export const everythingOn: Partial<FinetuneSettings> = {
  ...{ mixup: 0.8, cutmix: 1, smoothing: 0.1, randAugment: "m9-mstd0.5-inc1", erasing: 0.5, dropPath: 0.3 },
  ...{ ema: 0.7, leastArea: 0.3 },
};

/** A fresh encoder whose weights no other test has. */
export const freshEncoder = (): Encoder => tinyEncoder();

/** A state copied out, as a checkpoint holds it. */
export function copied({ iteration, ...parts }: FinetuneState<StateTensor>) {
  const copy = (tensors: ReadonlyMap<string, StateTensor>) =>
    new Map([...tensors].map(([name, x]) => [name, { shape: x.shape, data: x.toArray() }]));
  const { model, ema, optimizer } = parts;
  return { iteration, model: copy(model), ema: ema && copy(ema), optimizer: copy(optimizer) };
}

/** A state as one text in which every bit counts. */
export function bitsOf({ iteration, model, ema, optimizer }: ReturnType<typeof copied>): string {
  const parts = [model, ema ?? new Map(), optimizer].flatMap((tensors) =>
    [...tensors].map(([name, { data }]) => {
      const { buffer, byteOffset, byteLength } = data as Float32Array;
      return `${name} ${Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString("hex")}`;
    }),
  );
  return [iteration, ...parts].join("\n");
}

/** Trains to the end, or so many steps. */
export async function tuned(tuner: FineTuner, steps = Number.POSITIVE_INFINITY) {
  const reports = [];
  while (!tuner.finished && reports.length < steps) reports.push(await tuner.step());
  return reports;
}
