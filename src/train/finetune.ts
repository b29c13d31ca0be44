import type { ImageSource } from "../data/dataset.js";
import type { Encoder } from "../models/encoder.js";
import { eventTurns } from "./event-turn.js";
import { type FinetuneRecipe, type FinetuneSettings, finetuneRecipes } from "./finetune-settings.js";
import { FineTuner, type FineTunerOptions, type FinetuneReport } from "./finetuner.js";

/** The recipe, and what stops the run. */
export interface FinetuneOptions extends FineTunerOptions {
  /** Named settings to start from. Default "small". */
  recipe?: FinetuneRecipe;
  /** Ends the iteration after the running step. */
  signal?: AbortSignal;
}

/** Fine-tuning as something to iterate over: each turn trains one step. The tuner behind it holds the classifier. */
export interface Finetuning extends AsyncIterable<FinetuneReport> {
  readonly tuner: FineTuner;
}

/**
 * Fine-tunes an encoder on labelled images in memory, without files.
 *
 * @param encoder  stays as it is; its weights are copied
 * @param source  labelled images
 * @param settings  what differs from the recipe
 * @throws ConfigError for settings out of range, DataError if the source has no labels or does not fill a batch
 * @example
 * const run = finetune(encoder, imageFolder("photos/train"), { epochs: 10 });
 * for await (const { iteration, loss } of run) console.log(iteration, loss);
 * const { top1 } = await classify(imageFolder("photos/test"), run.tuner.model, run.tuner.spec);
 */
export function finetune(
  encoder: Encoder,
  source: ImageSource,
  settings: Partial<FinetuneSettings> = {},
  { recipe = "small", signal, ...options }: FinetuneOptions = {},
): Finetuning {
  const tuner = new FineTuner(encoder, source, { ...finetuneRecipes[recipe], ...settings }, options);
  return { tuner, [Symbol.asyncIterator]: () => remainingSteps(tuner, signal) };
}

/** Trains what is left of a run, step by step; images are read no more when the iteration ends. */
export async function* remainingSteps(tuner: FineTuner, signal?: AbortSignal): AsyncGenerator<FinetuneReport> {
  const nextTurn = eventTurns();
  try {
    while (!tuner.finished && !signal?.aborted) {
      yield await tuner.step();
      await nextTurn();
    }
  } finally {
    tuner.close();
  }
}
