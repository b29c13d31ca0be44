import type { ImageSource } from "../data/dataset.js";
import { DataError } from "../errors.js";
import type { Encoder } from "../models/encoder.js";
import { bootstrapMean, type Interval } from "./bootstrap.js";
import { extractRows, type FeatureOptions, type SourceFeatures } from "./features.js";
import type { LabelledFeatures } from "./knn.js";
import { LinearInputs } from "./linear-inputs.js";
import { LinearProbe } from "./linear-probe.js";
import { cachedBatches, freshBatches, type ProbeBatch } from "./probe-batches.js";
import { type ProbeTrainingOptions, trainProbe } from "./probe-training.js";

/** Labelled images by what they are for. */
export interface LinearSources {
  /** To learn from. */
  readonly fit: ImageSource;
  /** To choose a classifier on; null chooses on the test images, as the published code does. */
  readonly selection: ImageSource | null;
  readonly test: ImageSource;
}

/** How the classifiers of linear probing are trained. */
export interface LinearOptions {
  /** Images per step. */
  readonly batchSize: number;
  /** Steps; `probePlan` has the usual number. */
  readonly iterations: number;
  /** Read each training image once, as at evaluation, instead of cropping it anew in every pass. Default false. */
  readonly cached?: boolean;
  /** Default those of the published grid. */
  readonly learningRates?: readonly number[];
  readonly seed?: number;
  /** End with the first broken image. */
  readonly strict?: boolean;
  /** Progress and warnings while the images for one purpose are read. */
  readonly extraction?: (purpose: keyof LinearSources) => Pick<FeatureOptions, "onProgress" | "onWarning">;
}

/** How good one classifier is. */
export interface ClassifierScore {
  readonly layers: number;
  readonly pooled: boolean;
  /** Of the grid, for batches of 256. */
  readonly learningRate: number;
  /** Accuracy on the images to choose on; null if there are none but those of the test. */
  readonly selectionTop1: number | null;
  /** Accuracy on the test images. */
  readonly top1: number;
}

/** The classifier that was chosen, and what is needed to use it. */
export interface ChosenClassifier extends ClassifierScore {
  /** Positions of the taken layers. */
  readonly positions: readonly number[];
  /** [classes, columns] */
  readonly weight: Float32Array;
  /** [classes] */
  readonly bias: Float32Array;
}

/** What linear probing found. */
export interface LinearResult {
  readonly chosen: ChosenClassifier;
  /** Of the chosen classifier's test accuracy: 95 %, over test images. */
  readonly interval: Interval;
  readonly classifiers: readonly ClassifierScore[];
  /** Images that could be read. */
  readonly images: { readonly selection: number; readonly test: number };
}

/** What the classifiers learn from: features that are kept, or where fresh ones come from. */
type Batches = (start: number) => AsyncIterator<ProbeBatch>;

/**
 * Linear probing of a frozen encoder (spec §7.2): classifiers for every kind of input and learning rate are trained together,
 * and the best on the images to choose on is judged on the test images.
 *
 *     const evaluation = await LinearEvaluation.prepare(encoder, sources, { ...probePlan(sources.fit.length) });
 *     if (await evaluation.train()) console.log(evaluation.judge().chosen.top1);
 *     evaluation.dispose();
 */
export class LinearEvaluation {
  /** Its state is all there is to save between steps. */
  readonly probe: LinearProbe;
  private readonly inputs: LinearInputs;
  private readonly rows: Readonly<Record<keyof LinearSources, SourceFeatures | null>>;
  private readonly batches: Batches;

  private constructor(probe: LinearProbe, inputs: LinearInputs, rows: LinearEvaluation["rows"], batches: Batches) {
    this.probe = probe;
    this.inputs = inputs;
    this.rows = rows;
    this.batches = batches;
  }

  /**
   * Reads the images to choose on and to test on and, if features are cached, those to learn from.
   *
   * @throws DataError if images have no labels, NumericError if a feature is not finite
   */
  static async prepare(encoder: Encoder, sources: LinearSources, options: LinearOptions): Promise<LinearEvaluation> {
    const { cached = false, seed = 0, strict, batchSize, iterations, learningRates, extraction } = options;
    const inputs = new LinearInputs(encoder);
    const extract = async (purpose: keyof LinearSources) => {
      const source = sources[purpose];
      if (!source) return null;
      if (!source.labels) throw new DataError(`linear probe: ${source.name} has no labels.`);
      return extractRows(source, encoder, inputs, { strict, ...extraction?.(purpose) });
    };
    const test = await extract("test");
    const selection = await extract("selection");
    const fit = cached ? await extract("fit") : null;
    const onWarning = extraction?.("fit").onWarning;
    const batches: Batches = (start) =>
      fit
        ? cachedBatches(fit, { batchSize, seed, start })
        : freshBatches(sources.fit, encoder, inputs, { batchSize, seed, start, strict, onWarning });
    const probe = new LinearProbe({
      ...{ inputs: inputs.kinds, classes: sources.fit.classes.length },
      ...{ iterations, batchSize, learningRates, seed },
    });
    return new LinearEvaluation(probe, inputs, { fit, selection, test }, batches);
  }

  /** Trains from where the probe stands. @returns whether it came to its end */
  train(options: ProbeTrainingOptions = {}): Promise<boolean> {
    return trainProbe(this.probe, this.batches, options);
  }

  /** Chooses and tests. Of equally good classifiers the first counts: fewer layers, without the mean, lower learning rate. */
  judge(): LinearResult {
    const { probe, inputs } = this;
    const { selection, test } = this.rows;
    const right = rightAnswers(probe, test!);
    const onTest = right.map(share);
    const onSelection = selection && rightAnswers(probe, selection).map(share);
    const classifiers = probe.classifiers.map(({ input, learningRate }, i) => ({
      ...{ layers: input.layers, pooled: input.pooled, learningRate },
      ...{ selectionTop1: onSelection?.[i] ?? null, top1: onTest[i] },
    }));
    const deciding = onSelection ?? onTest;
    const best = deciding.indexOf(Math.max(...deciding));
    const { weight, bias } = probe.classifiers[best];
    const values = { weight: weight.toArray() as Float32Array, bias: bias.toArray() as Float32Array };
    return {
      chosen: { ...classifiers[best], positions: inputs.positions, ...values },
      interval: bootstrapMean(right[best]),
      classifiers,
      images: { selection: selection?.labels.length ?? 0, test: test!.labels.length },
    };
  }

  /** Gives the memory of features and classifiers back. */
  dispose(): void {
    this.probe.dispose();
    for (const rows of Object.values(this.rows)) rows?.features.dispose();
  }
}

/** For each classifier 1 where it names the right class, else 0. */
function rightAnswers(probe: LinearProbe, { features, labels }: LabelledFeatures): Uint8Array[] {
  return probe
    .predict(features)
    .map((classes) => Uint8Array.from(classes, (label, row) => (label === labels[row] ? 1 : 0)));
}

/** The mean of ones and zeros. */
function share(right: Uint8Array): number {
  return right.reduce((sum, value) => sum + value, 0) / right.length;
}
