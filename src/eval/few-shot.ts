import { step } from "../autograd/tape.js";
import { DataError } from "../errors.js";
import { gatherRows } from "../ops/gather.js";
import { Rng } from "../tensor/random.js";
import { knnFigures, type LabelledFeatures } from "./knn.js";

/** Keeps the draws apart from other uses of a seed: "shot" in ASCII. */
const STREAM = 0x73686f74;

/**
 * The rows of `perClass` examples of each class, drawn without replacement; a function of labels and draw alone.
 *
 * @throws DataError if a class has fewer
 */
export function drawShots(labels: Int32Array, classes: number, perClass: number, draw: number): Int32Array {
  const order = new Rng(draw, STREAM).permutation(labels.length);
  const taken = new Array<number>(classes).fill(0);
  const rows = order.filter((i) => taken[labels[i]]++ < perClass).sort();
  const short = taken.findIndex((count) => count < perClass);
  if (short >= 0) throw new DataError(`few-shot: class ${short} has ${taken[short]} examples, ${perClass} are needed.`);
  return rows;
}

/** How many labels are given, and how often they are drawn. */
export interface FewShotOptions {
  readonly classes: number;
  /** Labels per class. Default 10. */
  readonly perClass?: number;
  /** Number of draws; draw i has seed i. Default 10. */
  readonly draws?: number;
}

/** A figure over several draws. */
export interface Spread {
  readonly mean: number;
  /** Standard deviation of a single draw (divisor draws − 1), 0 for one draw. */
  readonly std: number;
  readonly min: number;
  readonly max: number;
}

/** Accuracies by number of neighbours, over draws. */
export interface FewShotFigures {
  readonly top1: Record<number, Spread>;
  readonly top5: Record<number, Spread>;
}

/** 1-nearest-neighbour accuracy from a few labels per class, the mean over seeded draws. */
export function fewShotAccuracy(queries: LabelledFeatures, bank: LabelledFeatures, options: FewShotOptions): number {
  return fewShotFigures(queries, bank, { ...options, ks: [1] }).top1[1].mean;
}

/**
 * Nearest-neighbour accuracies from a few labels per class (spec §7.1), each draw a bank of its own.
 *
 * @param options.ks  numbers of neighbours; those above perClass · classes count as that many
 * @param options.temperature  of the vote; default 0.07
 */
export function fewShotFigures(
  queries: LabelledFeatures,
  bank: LabelledFeatures,
  options: FewShotOptions & { readonly ks: readonly number[]; readonly temperature?: number },
): FewShotFigures {
  const { classes, perClass = 10, draws = 10, ks } = options;
  const figures = Array.from({ length: draws }, (_, draw) => {
    const rows = drawShots(bank.labels, classes, perClass, draw);
    return step(() => {
      const shots = { features: gatherRows(bank.features, rows), labels: rows.map((i) => bank.labels[i]) };
      return knnFigures(queries, shots, options);
    });
  });
  const over = (what: "top1" | "top5"): Record<number, Spread> =>
    Object.fromEntries(ks.map((k) => [k, spreadOf(figures.map((figure) => figure[what][k]))]));
  return { top1: over("top1"), top5: over("top5") };
}

function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const std = Math.sqrt(squares / Math.max(1, values.length - 1));
  return { mean, std, min: Math.min(...values), max: Math.max(...values) };
}
