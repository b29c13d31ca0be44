import type { TeacherView } from "../poa/step.js";
import { log } from "../tensor/math.js";

/** What the targets of one head tell apart, in nats. */
export interface HeadEntropy {
  /** Entropy of the mean target, at most ln K: 0 if all crops have one prototype. */
  readonly mean: number;
  /** Mean entropy of the targets; never above that of the mean target. ln K if each is spread over all prototypes. */
  readonly each: number;
  readonly prototypes: number;
}

/** What the teacher said about the images of one step. */
export interface TeacherHealth {
  readonly images: number;
  readonly heads: readonly HeadEntropy[];
  /** Standard deviation of the features scaled to unit length, mean over their channels; 1/√F if they point everywhere. */
  readonly featureStd: number;
  /** F */
  readonly featureDim: number;
}

/** Collects what is said about the micro-batches of a step. It only reads, on the host, so no bit of the step depends on it. */
export class TeacherWatch {
  private readonly heads: EntropySums[] = [];
  private readonly spread = new FeatureSpread();
  private images = 0;

  /** Takes what the teacher said of some images. */
  see({ images, features, targets }: TeacherView): void {
    this.images += images;
    this.spread.add(features.toArray(), features.shape[1]);
    targets.forEach((target, h) => {
      this.heads[h] ??= new EntropySums(target.shape[1]);
      this.heads[h].add(target.toArray());
    });
  }

  /** What it said of all of them. */
  health(): TeacherHealth {
    const { images, heads, spread } = this;
    return {
      images,
      heads: heads.map((sums) => sums.entropy()),
      featureStd: spread.std(),
      featureDim: spread.dim,
    };
  }
}

/** Sums over the targets of one head. */
class EntropySums {
  private readonly total: Float64Array;
  private rows = 0;
  private entropies = 0;

  constructor(prototypes: number) {
    this.total = new Float64Array(prototypes);
  }

  /**
   * Adds the targets of some rows.
   *
   * @param targets  rows that sum to 1 [R · K], row-major
   */
  add(targets: ArrayLike<number>): void {
    const prototypes = this.total.length;
    for (let i = 0; i < targets.length; i++) {
      this.total[i % prototypes] += targets[i];
      this.entropies += entropyTerm(targets[i]);
    }
    this.rows += targets.length / prototypes;
  }

  /** Mean entropy of a row, and entropy of the mean. */
  entropy(): HeadEntropy {
    const mean = this.total.reduce((sum, value) => sum + entropyTerm(value / this.rows), 0);
    return { mean, each: this.entropies / this.rows, prototypes: this.total.length };
  }
}

/** −p ln p. What adds less than a millionth of a nat over 2^20 prototypes is left out. */
const entropyTerm = (p: number) => (p > 1e-14 ? -p * log(p) : 0);

/** How far features that are scaled to unit length lie apart. */
export class FeatureSpread {
  private sums = new Float64Array(0);
  private squares = new Float64Array(0);
  private rows = 0;

  /** F, once features have been added. */
  get dim(): number {
    return this.sums.length;
  }

  /**
   * Adds the features of some rows.
   *
   * @param features  [R · F], row-major, of any length
   * @param dim  F
   */
  add(features: ArrayLike<number>, dim: number): void {
    if (this.rows === 0) [this.sums, this.squares] = [new Float64Array(dim), new Float64Array(dim)];
    for (let row = 0; row < features.length; row += dim) {
      let squared = 0;
      for (let i = 0; i < dim; i++) squared += features[row + i] ** 2;
      const scale = squared > 0 ? 1 / Math.sqrt(squared) : 0;
      for (let i = 0; i < dim; i++) {
        const value = scale * features[row + i];
        this.sums[i] += value;
        this.squares[i] += value * value;
      }
      this.rows++;
    }
  }

  /** Standard deviation over the features, mean over their channels. */
  std(): number {
    const { sums, squares, rows } = this;
    const variance = (i: number) => Math.max(0, squares[i] / rows - (sums[i] / rows) ** 2);
    return sums.reduce((total, _, i) => total + Math.sqrt(variance(i)), 0) / sums.length;
  }
}
