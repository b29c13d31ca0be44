import { ShapeError } from "../errors.js";
import { Rng } from "../tensor/random.js";

/** Keeps the draws apart from other uses of a seed: "boot" in ASCII. */
const STREAM = 0x626f6f74;

/** The range within which a mean lies with a stated confidence. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How often and with which seed examples are drawn again. */
export interface BootstrapOptions {
  /** Share of the resampled values inside the interval. Default 0.95. */
  readonly level?: number;
  /** Number of resamples. Default 1000. */
  readonly resamples?: number;
  readonly seed?: number;
}

/**
 * Percentile bootstrap (Efron, 1979) of any figure of a sample, such as an accuracy or a mean IoU.
 *
 * @param count  size of the sample
 * @param figure  the figure of the examples with the given numbers, some of them several times
 * @returns the (1 ± level)/2 quantiles of the figure over samples drawn with replacement; a function of the seed
 * @throws ShapeError for an empty sample
 */
export function bootstrap(
  count: number,
  figure: (rows: Int32Array) => number,
  { level = 0.95, resamples = 1000, seed = 0 }: BootstrapOptions = {},
): Interval {
  if (count === 0) throw new ShapeError("bootstrap: the sample is empty, expected at least one example.");
  const rng = new Rng(seed, STREAM);
  const rows = new Int32Array(count);
  const figures = Float64Array.from({ length: resamples }, () => {
    for (let i = 0; i < count; i++) rows[i] = rng.integer(0, count - 1);
    return figure(rows);
  }).sort();
  return { low: quantile(figures, (1 - level) / 2), high: quantile(figures, (1 + level) / 2) };
}

/** The interval of a mean, such as the accuracy of answers that are 1 or 0. */
export function bootstrapMean(values: ArrayLike<number>, options?: BootstrapOptions): Interval {
  const mean = (rows: Int32Array) => rows.reduce((sum, i) => sum + values[i], 0) / rows.length;
  return bootstrap(values.length, mean, options);
}

/**
 * Resamples of one sample, drawn once for the means of many figures over it: each interval is that of `bootstrapMean`, and
 * figures of the same examples are compared on the same draws.
 */
export class Resamples {
  /** Number of examples. */
  readonly count: number;
  private readonly resamples: number;
  private readonly level: number;
  /** How often each example was drawn [resamples · count], row-major. */
  private readonly times: Uint16Array;

  /** @throws ShapeError for an empty sample, or one of more than 65,535 examples */
  constructor(count: number, { level = 0.95, resamples = 1000, seed = 0 }: BootstrapOptions = {}) {
    if (count < 1 || count > 0xffff)
      throw new ShapeError(`bootstrap: a sample of ${count} examples, expected 1 to 65,535.`);
    this.count = count;
    this.resamples = resamples;
    this.level = level;
    this.times = new Uint16Array(resamples * count);
    const rng = new Rng(seed, STREAM);
    for (let row = 0; row < this.times.length; row += count)
      for (let i = 0; i < count; i++) this.times[row + rng.integer(0, count - 1)]++;
  }

  /** The interval of the mean of a figure, one value per example. @throws ShapeError for another number of values */
  interval(values: ArrayLike<number>): Interval {
    if (values.length !== this.count)
      throw new ShapeError(`bootstrap: ${values.length} values for a sample of ${this.count} examples.`);
    const places = Array.from({ length: this.count }, (_, i) => i).filter((i) => values[i] !== 0);
    const means = Float64Array.from({ length: this.resamples }, (_, resample) => {
      let sum = 0;
      for (const i of places) sum += this.times[resample * this.count + i] * values[i];
      return sum / this.count;
    }).sort();
    return { low: quantile(means, (1 - this.level) / 2), high: quantile(means, (1 + this.level) / 2) };
  }
}

/** The quantile of ascending numbers, between two of them by their distance. */
export function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
