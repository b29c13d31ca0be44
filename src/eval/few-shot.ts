import { step } from "../autograd/tape.js";
import { DataError } from "../errors.js";
import { gatherRows } from "../ops/gather.js";
import { Rng } from "../tensor/random.js";
import { knnAccuracy, type LabelledFeatures } from "./knn.js";

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

/**
 * 1-nearest-neighbour accuracy from a few labels per class, the mean over seeded draws.
 *
 * @param options.draws  number of draws; draw i has seed i
 */
export function fewShotAccuracy(
  queries: LabelledFeatures,
  bank: LabelledFeatures,
  { classes, perClass = 10, draws = 10 }: { classes: number; perClass?: number; draws?: number },
): number {
  let sum = 0;
  for (let draw = 0; draw < draws; draw++) {
    const rows = drawShots(bank.labels, classes, perClass, draw);
    sum += step(() => {
      const shots = { features: gatherRows(bank.features, rows), labels: rows.map((i) => bank.labels[i]) };
      return knnAccuracy(queries, shots, { ks: [1], classes })[1];
    });
  }
  return sum / draws;
}
