import { subset } from "../data/dataset.js";
import type { Encoder } from "../models/encoder.js";
import { remainingSteps } from "../train/finetune.js";
import { FinetuneHealth } from "../train/finetune-health.js";
import type { FinetuneSettings } from "../train/finetune-settings.js";
import { FineTuner, type FineTunerOptions } from "../train/finetuner.js";
import { classify } from "./classify.js";
import type { FeatureOptions } from "./features.js";
import { drawsOfLabels, figuresOfDraws, type LabelDraws, type SemiResult, type SemiSources } from "./semi.js";
import type { LabelAmount } from "./stratified.js";

/** The labels that are seen, and how the network is fine-tuned with them. */
export interface SemiTuningOptions extends Partial<Omit<LabelDraws, "amount">> {
  readonly amount: LabelAmount;
  /** Of each draw; its seed is this one plus the number of the draw, and a batch holds no more images than there are labels. */
  readonly settings: FinetuneSettings;
  /** Threads, warnings and the start of the classifier's hidden layer. */
  readonly tuning?: FineTunerOptions;
  /** How the test images are read. */
  readonly extraction?: Omit<FeatureOptions, "normalize">;
  /** Trains one draw to its end; false if it was stopped before, which ends the protocol. Default: in memory. */
  readonly train?: (tuner: FineTuner, draw: number) => Promise<boolean>;
}

/** What one draw of labels has led to. */
export interface TunedDraw {
  /** Number of labels. */
  readonly labels: number;
  /** Steps that were trained. */
  readonly iterations: number;
  readonly top1: number;
}

/**
 * How much a network makes of few labels when all of it is trained with them (spec §7.7): fine-tuned anew from every seeded draw
 * of the labels, by the recipe "semi" as published, each draw judged on the test images; where the settings have a moving
 * average of the weights, that is judged. The encoder stays as it is.
 *
 * @returns null if a draw was stopped before its end
 * @throws ConfigError, DataError as `drawsOfLabels` and `FineTuner`; NumericError if a draw does not stay finite
 */
export async function semiTuned(
  encoder: Encoder,
  sources: SemiSources,
  { amount, draws = 1, seed = 0, settings, tuning, extraction, train = trainInMemory }: SemiTuningOptions,
): Promise<SemiResult<TunedDraw> | null> {
  const judged: { labels: number; iterations: number; answers: Uint8Array }[] = [];
  for (const [draw, rows] of drawsOfLabels(sources, { amount, draws, seed }).entries()) {
    const labelled = subset(sources.train, rows, `${sources.train.name} (${rows.length} labels, draw ${draw})`);
    const own = { ...settings, batch: Math.min(settings.batch, rows.length), seed: settings.seed + draw };
    const tuner = new FineTuner(encoder, labelled, own, tuning);
    try {
      if (!(await train(tuner, draw))) return null;
      const { correct } = await classify(sources.test, tuner.averaged() ?? tuner.model, tuner.spec, extraction);
      judged.push({ labels: rows.length, iterations: tuner.iteration, answers: correct });
    } finally {
      tuner.dispose();
    }
  }
  return figuresOfDraws(judged);
}

async function trainInMemory(tuner: FineTuner): Promise<boolean> {
  const health = new FinetuneHealth();
  for await (const report of remainingSteps(tuner)) health.add(report);
  return true;
}
