import { type ImageSource, subset } from "../data/dataset.js";
import { ConfigError, DataError } from "../errors.js";
import { roundHalfEven } from "../tensor/math.js";
import { Rng } from "../tensor/random.js";

/** Keeps the draws apart from other uses of a seed: "hold", "labl" and "fold" in ASCII. */
const HOLD_STREAM = 0x686f6c64;
const LABEL_STREAM = 0x6c61626c;
const FOLD_STREAM = 0x666f6c64;

/** How many examples of each class: a share of those that it has, at least one; or a number. */
export type LabelAmount = { readonly share: number } | { readonly perClass: number };

/**
 * Draws examples class by class, without replacement.
 *
 * @param labels  class of each example
 * @param count  how many of a class that has so many
 * @returns the numbers of the examples that were drawn, and of the others, ascending
 */
function drawByClass(
  labels: Int32Array,
  count: (available: number, label: number) => number,
  rng: Rng,
): { drawn: Int32Array; rest: Int32Array } {
  const available = new Map<number, number>();
  for (const label of labels) available.set(label, (available.get(label) ?? 0) + 1);
  const open = new Map([...available].map(([label, n]) => [label, count(n, label)]));
  const isDrawn = new Uint8Array(labels.length);
  for (const i of rng.permutation(labels.length)) {
    const left = open.get(labels[i])!;
    if (left > 0) isDrawn[i] = 1;
    open.set(labels[i], left - 1);
  }
  const all = Int32Array.from(labels, (_, i) => i);
  return { drawn: all.filter((i) => isDrawn[i] === 1), rest: all.filter((i) => isDrawn[i] === 0) };
}

/**
 * Holds a share of each class of a source back, to choose settings on; a function of labels, share and seed.
 *
 * @param share  0 < share < 1; of a class of two or more at least one image is held back and at least one is left
 * @returns the images to learn from, and those held back
 * @throws ConfigError for another share
 * @throws DataError if the source has no labels, or no class has two images
 */
export function holdOut(source: ImageSource, share: number, seed: number): [ImageSource, ImageSource] {
  if (!(share > 0 && share < 1))
    throw new ConfigError(`hold-out: the share is ${share}, expected a number between 0 and 1.`);
  if (!source.labels) throw new DataError(`hold-out: ${source.name} has no labels.`);
  const count = (n: number) => (n < 2 ? 0 : Math.min(n - 1, Math.max(1, roundHalfEven(share * n))));
  const { drawn, rest } = drawByClass(source.labels, count, new Rng(seed, HOLD_STREAM));
  if (drawn.length === 0)
    throw new DataError(`hold-out: no class of ${source.name} has two images, so none can be held back.`);
  return [
    subset(source, rest, `${source.name} (${rest.length} to learn from)`),
    subset(source, drawn, `${source.name} (${drawn.length} held back)`),
  ];
}

/**
 * The examples whose labels a semi-supervised protocol sees (spec §7.7); a function of labels, amount, seed and draw.
 *
 * @param draw  number of the draw, from 0
 * @returns their numbers, ascending
 * @throws ConfigError for an amount that is no share in (0, 1] and no whole number from 1 on
 * @throws DataError if a class has fewer examples than asked for
 */
export function drawLabelled(
  labels: Int32Array,
  amount: LabelAmount,
  { seed = 0, draw = 0 }: { seed?: number; draw?: number } = {},
): Int32Array {
  const value = "share" in amount ? amount.share : amount.perClass;
  const valid = "share" in amount ? value > 0 && value <= 1 : Number.isSafeInteger(value) && value >= 1;
  if (!valid) {
    const expected = "share" in amount ? "a share above 0, at most 1" : "a whole number from 1 on";
    throw new ConfigError(`labels: ${value} of each class, expected ${expected}.`);
  }
  const count = (n: number, label: number) => {
    if ("share" in amount) return Math.max(1, roundHalfEven(amount.share * n));
    if (n < amount.perClass)
      throw new DataError(`labels: class ${label} has ${n} examples, ${amount.perClass} are needed.`);
    return amount.perClass;
  };
  return drawByClass(labels, count, new Rng(seed, LABEL_STREAM, draw)).drawn;
}

/**
 * Deals examples into folds, each class evenly.
 *
 * @returns the fold of each example, 0 … folds − 1
 */
export function stratifiedFolds(labels: Int32Array, folds: number, rng: Rng = new Rng(0, FOLD_STREAM)): Int32Array {
  const dealt = new Map<number, number>();
  const fold = new Int32Array(labels.length);
  for (const i of rng.permutation(labels.length)) {
    const before = dealt.get(labels[i]) ?? 0;
    fold[i] = before % folds;
    dealt.set(labels[i], before + 1);
  }
  return fold;
}
