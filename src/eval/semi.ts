import { type ImageSource, subset } from "../data/dataset.js";
import { ConfigError, DataError } from "../errors.js";
import type { Encoder } from "../models/encoder.js";
import { bootstrapMean, type Interval } from "./bootstrap.js";
import { extractFeatures, type FeatureOptions } from "./features.js";
import { chooseLogistic, type LogisticSearch, rightAnswers, takeRows } from "./logistic-choice.js";
import { drawLabelled, type LabelAmount } from "./stratified.js";

/** How many labels are given, and how often they are drawn. */
export interface LabelDraws {
  readonly amount: LabelAmount;
  /** Draws of labels. */
  readonly draws: number;
  readonly seed: number;
}

/** The images that labels are drawn from, and those that judge. */
export interface SemiSources {
  readonly train: ImageSource;
  readonly test: ImageSource;
}

/** The labels that are seen, and how a penalty is chosen with them. */
export interface SemiOptions extends LogisticSearch, Partial<Omit<LabelDraws, "amount">> {
  readonly amount: LabelAmount;
  /** Draws of labels. Default 5. */
  readonly draws?: number;
  /** How features of the images for one purpose are read. */
  readonly extraction?: (purpose: "labelled" | "test") => FeatureOptions;
  /** Called after each draw. */
  readonly onDraw?: (done: number, total: number) => void;
}

/** What one draw of labels has led to. */
export interface SemiDraw {
  /** Number of labels. */
  readonly labels: number;
  /** The penalty that was chosen, before the division by n. */
  readonly lambda: number;
  readonly top1: number;
}

/** What few labels are worth. */
export interface SemiResult<Draw = SemiDraw> {
  /** Mean test accuracy over the draws. */
  readonly top1: number;
  /** Standard deviation over the draws; null for one. */
  readonly deviation: number | null;
  /** Of the mean: 95 %, over test images. */
  readonly interval: Interval;
  readonly draws: readonly Draw[];
  /** Test images that could be read. */
  readonly test: number;
}

/**
 * How much a frozen encoder makes of few labels (spec §7.7): logistic regression on class features of unit length, learnt from
 * seeded draws of the labels, each judged on the test images. Only images whose labels are drawn are read.
 *
 * @throws ConfigError, DataError as `drawsOfLabels` and `chooseLogistic`
 */
export async function semiSupervised(
  encoder: Encoder,
  { train, test }: SemiSources,
  { amount, draws = 5, seed = 0, extraction = () => ({}), onDraw, ...search }: SemiOptions,
): Promise<SemiResult> {
  const drawn = drawsOfLabels({ train, test }, { amount, draws, seed });
  const asked = await rowsOf(test, encoder, extraction("test"));
  const union = Int32Array.from(new Set(drawn.flatMap((rows) => [...rows]))).sort();
  const learnt = await rowsOf(subset(train, union, train.name), encoder, extraction("labelled"));
  const place = new Map(Array.from(learnt.indices, (index, row) => [union[index], row]));
  const judged = drawn.map((images, i) => {
    const chosen = [...images].flatMap((image) => place.get(image) ?? []);
    const rows = takeRows(learnt, chosen);
    const logistic = chooseLogistic(rows, search);
    onDraw?.(i + 1, draws);
    return { labels: rows.labels.length, lambda: logistic.lambda, answers: rightAnswers(logistic, asked) };
  });
  return figuresOfDraws(judged);
}

/**
 * The images of each draw whose labels are seen, by number, ascending.
 *
 * @throws ConfigError for draws that are no number, DataError for images without labels; both as `drawLabelled`
 */
export function drawsOfLabels({ train, test }: SemiSources, { amount, draws, seed }: LabelDraws): Int32Array[] {
  if (!(Number.isSafeInteger(draws) && draws >= 1))
    throw new ConfigError(`semi-supervised: ${draws} draws, expected a whole number from 1 on.`);
  const { labels } = train;
  if (!labels || !test.labels) throw new DataError("semi-supervised: images have no labels.");
  return Array.from({ length: draws }, (_, draw) => drawLabelled(labels, amount, { seed, draw }));
}

/**
 * The figures of draws that were judged on the same images.
 *
 * @param judged  what there is to tell of each draw, and its answers: 1 for each test image that it named rightly, else 0
 */
export function figuresOfDraws<About extends object>(
  judged: readonly (About & { readonly answers: Uint8Array })[],
): SemiResult<Omit<About, "answers"> & { readonly top1: number }> {
  const right = new Float64Array(judged[0].answers.length);
  for (const { answers } of judged) {
    for (const [row, value] of answers.entries()) right[row] += value / judged.length;
  }
  const draws = judged.map(({ answers, ...about }) => ({ ...about, top1: mean(answers) }));
  const accuracies = draws.map(({ top1 }) => top1);
  return {
    ...{ top1: mean(accuracies), deviation: deviationOf(accuracies) },
    ...{ interval: bootstrapMean(right), draws, test: right.length },
  };
}

/** Class features of unit length, copied out. */
async function rowsOf(source: ImageSource, encoder: Encoder, options: FeatureOptions) {
  const { features, labels, indices } = await extractFeatures(source, encoder, { ...options, normalize: true });
  const values = features.toArray() as Float32Array;
  features.dispose();
  return { features: values, labels, indices };
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

function deviationOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}
