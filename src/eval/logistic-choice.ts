import { DataError } from "../errors.js";
import type { LogisticModel } from "./logistic-problem.js";
import { fitLogistic, predictLogistic } from "./logistic-regression.js";
import { stratifiedFolds } from "./stratified.js";

/** Penalties of the published protocol, each times 1/n (spec §7.7). */
export const LOGISTIC_LAMBDAS: readonly number[] = [0.01, 0.1, 1];

/** Which penalties are tried, and over how many folds. */
export interface LogisticSearch {
  /** Penalties to choose among, each times 1/n. Default 0.01, 0.1, 1. */
  readonly lambdas?: readonly number[];
  /** Parts of the cross-validation; fewer if a class has fewer labels. Default 5. */
  readonly folds?: number;
}

/** Rows of features with a class each. */
export interface LabelledRows {
  /** [n, F], row-major */
  readonly features: Float32Array;
  readonly labels: Int32Array;
}

/** A model of the classes that it has seen. */
export interface ChosenLogistic {
  readonly model: LogisticModel;
  /** The class of each of the model's scores. */
  readonly classes: readonly number[];
  /** The penalty, before the division by n. */
  readonly lambda: number;
}

/**
 * Logistic regression with the penalty that cross-validation chooses, on the labels that are seen, so that none is needed
 * besides. Equally good penalties: the largest. A single penalty is taken without a choice.
 *
 * @throws DataError if there is a choice, but a class with one label
 */
export function chooseLogistic(
  { features, labels }: LabelledRows,
  { lambdas = LOGISTIC_LAMBDAS, folds = 5 }: LogisticSearch = {},
): ChosenLogistic {
  const classes = [...new Set(labels)].sort((a, b) => a - b);
  const rows = { features, labels: labels.map((label) => classes.indexOf(label)) };
  const descending = [...lambdas].sort((a, b) => b - a);
  const lambda = descending.length === 1 ? descending[0] : bestOf(rows, descending, { classes, folds });
  const options = { classes: classes.length, lambda: lambda / labels.length };
  return { model: fitLogistic(features, rows.labels, options), classes, lambda };
}

/** For each row 1 if the model names its class, else 0. */
export function rightAnswers({ model, classes }: ChosenLogistic, { features, labels }: LabelledRows): Uint8Array {
  return Uint8Array.from(predictLogistic(model, features), (best, i) => (classes[best] === labels[i] ? 1 : 0));
}

/** Some of the rows, in the given order. */
export function takeRows({ features, labels }: LabelledRows, rows: readonly number[]): LabelledRows {
  const dim = features.length / labels.length;
  const taken = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => {
    taken.set(features.subarray(row * dim, (row + 1) * dim), i * dim);
  });
  return { features: taken, labels: Int32Array.from(rows, (row) => labels[row]) };
}

/** The penalty that names most classes of left-out rows; labels number the classes. */
function bestOf(
  rows: LabelledRows,
  lambdas: readonly number[],
  { classes, folds }: { classes: readonly number[]; folds: number },
): number {
  const counts = classes.map(() => 0);
  for (const label of rows.labels) counts[label]++;
  const parts = Math.min(folds, ...counts);
  if (parts < 2) {
    const scarce = classes[counts.indexOf(Math.min(...counts))];
    throw new DataError(
      `logistic regression: class ${scarce} has one label, so no penalty can be chosen. Name one, or give more labels.`,
    );
  }
  const fold = stratifiedFolds(rows.labels, parts);
  const all = [...rows.labels.keys()];
  const right = lambdas.map(() => 0);
  for (let part = 0; part < parts; part++) {
    const learnt = takeRows(
      rows,
      all.filter((i) => fold[i] !== part),
    );
    const asked = takeRows(
      rows,
      all.filter((i) => fold[i] === part),
    );
    let start: LogisticModel | undefined;
    for (const [l, lambda] of lambdas.entries()) {
      const options = { classes: classes.length, lambda: lambda / learnt.labels.length, start };
      start = fitLogistic(learnt.features, learnt.labels, options);
      predictLogistic(start, asked.features).forEach((label, i) => {
        if (label === asked.labels[i]) right[l]++;
      });
    }
  }
  return lambdas[right.indexOf(Math.max(...right))];
}
