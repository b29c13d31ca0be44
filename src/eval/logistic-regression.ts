import { DataError, NumericError, ShapeError } from "../errors.js";
import { exp, log } from "../tensor/math.js";

/** A gradient whose largest component is below this counts as zero. */
const TOLERANCE = 1e-10;
const MAX_NEWTON_STEPS = 100;
const MAX_PRODUCTS = 500;
/** Share of the predicted decrease that a step must bring. */
const SUFFICIENT = 1e-4;
/** Relative error of an objective in double precision, below which a decrease cannot be told. */
const ROUNDING = 1e-14;

/** A softmax classifier: scores W·x + b. */
export interface LogisticModel {
  /** W [classes, F], row-major. */
  readonly weights: Float64Array;
  /** b [classes] */
  readonly intercepts: Float64Array;
}

/** A model at the minimum of its objective, and what it took. */
export interface LogisticFit extends LogisticModel {
  readonly newtonSteps: number;
  /** Largest component of the gradient at the end. */
  readonly gradient: number;
}

export interface LogisticOptions {
  readonly classes: number;
  /** λ > 0. */
  readonly lambda: number;
  /** Where to start; default zeros. The result is the same to the last digits. */
  readonly start?: LogisticModel;
}

/**
 * Multinomial logistic regression: the minimum of 1/n Σ_i −log softmax(W·x_i + b)_{y_i} + λ/2 ‖W‖², intercepts without
 * penalty. The objective is convex; Newton steps, each solved by conjugate gradients as far as it is worth, bring every component of the
 * gradient below 1e-10, in double precision and in a fixed order (truncated Newton, Nocedal & Wright, algorithm 7.1).
 *
 * @param features  x [n, F], row-major
 * @param labels  y [n], from 0 to classes − 1
 * @throws ShapeError if the two do not fit, DataError for a class without example
 * @throws NumericError if features are not finite, or λ is so small that the minimum is out of reach
 */
export function fitLogistic(features: ArrayLike<number>, labels: Int32Array, options: LogisticOptions): LogisticFit {
  const problem = new LogisticProblem(features, labels, options);
  const { length } = problem;
  const theta = problem.parametersOf(options.start);
  const [gradient, direction, trial] = [0, 0, 0].map(() => new Float64Array(length));
  let value = problem.value(theta);
  problem.gradient(theta, gradient);
  for (let step = 0; step < MAX_NEWTON_STEPS; step++) {
    const largest = largestOf(gradient);
    if (largest <= TOLERANCE) return { ...problem.modelOf(theta), newtonSteps: step, gradient: largest };
    newtonDirection(problem, gradient, direction);
    const slope = dot(gradient, direction);
    let size = 1;
    for (; size > 1e-12; size /= 2) {
      for (let i = 0; i < length; i++) trial[i] = theta[i] + size * direction[i];
      const next = problem.value(trial);
      if (next <= value + SUFFICIENT * size * slope + ROUNDING * Math.abs(value)) {
        value = next;
        break;
      }
    }
    if (!(size > 1e-12) || !Number.isFinite(value)) break;
    theta.set(trial);
    problem.gradient(theta, gradient);
  }
  throw new NumericError(
    `logistic regression: no minimum found for λ = ${options.lambda} (largest gradient ${largestOf(gradient).toExponential(1)}). ` +
      "Raise λ, or scale the features to unit length.",
  );
}

/**
 * The class of the highest score of each row; equal scores go to the lower class.
 *
 * @param features  x [n, F], row-major
 */
export function predictLogistic({ weights, intercepts }: LogisticModel, features: ArrayLike<number>): Int32Array {
  const dim = weights.length / intercepts.length;
  return Int32Array.from({ length: features.length / dim }, (_, row) => {
    let best = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < intercepts.length; c++) {
      let score = intercepts[c];
      for (let f = 0; f < dim; f++) score += weights[c * dim + f] * features[row * dim + f];
      if (score > highest) [best, highest] = [c, score];
    }
    return best;
  });
}

/** Approximately −H⁻¹·g by conjugate gradients: the closer to the minimum, the more exactly. */
function newtonDirection(problem: LogisticProblem, gradient: Float64Array, direction: Float64Array): void {
  const { length } = gradient;
  const residual = gradient.map((g) => -g);
  const search = residual.slice();
  const curved = new Float64Array(length);
  direction.fill(0);
  let norm2 = dot(residual, residual);
  const norm = Math.sqrt(norm2);
  const enough = (Math.min(0.1, Math.sqrt(norm)) * norm) ** 2;
  for (let product = 0; product < MAX_PRODUCTS && norm2 > enough; product++) {
    problem.curvature(search, curved);
    const along = dot(search, curved);
    if (!(along > 0)) break; // flat: an equal shift of all intercepts changes nothing
    const size = norm2 / along;
    for (let i = 0; i < length; i++) {
      direction[i] += size * search[i];
      residual[i] -= size * curved[i];
    }
    const before = norm2;
    norm2 = dot(residual, residual);
    for (let i = 0; i < length; i++) search[i] = residual[i] + (norm2 / before) * search[i];
  }
}

/** The objective with its derivatives. Parameters are [classes, F + 1], the intercept behind each row of weights. */
class LogisticProblem {
  /** Number of parameters. */
  readonly length: number;
  private readonly dim: number;
  private readonly classes: number;
  private readonly lambda: number;
  private readonly labels: Int32Array;
  /** [n, F + 1], a 1 behind each feature. */
  private readonly x: readonly Float64Array[];
  /** Probabilities [n, classes] of the parameters that were valued last. */
  private readonly p: readonly Float64Array[];
  private readonly scores: Float64Array;

  constructor(features: ArrayLike<number>, labels: Int32Array, { classes, lambda }: LogisticOptions) {
    const dim = features.length / labels.length;
    if (!Number.isInteger(dim) || dim < 1)
      throw new ShapeError(
        `logistic regression: ${features.length} numbers are no features of ${labels.length} labels.`,
      );
    expectEveryClass(labels, classes);
    this.dim = dim + 1;
    this.classes = classes;
    this.lambda = lambda;
    this.labels = labels;
    this.length = classes * this.dim;
    this.x = Array.from(labels, (_, i) =>
      Float64Array.from({ length: this.dim }, (_, f) => (f < dim ? features[i * dim + f] : 1)),
    );
    this.p = Array.from(labels, () => new Float64Array(classes));
    this.scores = new Float64Array(classes);
  }

  parametersOf(model?: LogisticModel): Float64Array {
    const theta = new Float64Array(this.length);
    if (!model) return theta;
    const dim = this.dim - 1;
    this.rowsOf(theta).forEach((row, c) => {
      row.set(model.weights.subarray(c * dim, (c + 1) * dim));
      row[dim] = model.intercepts[c];
    });
    return theta;
  }

  modelOf(theta: Float64Array): LogisticModel {
    const isIntercept = (i: number) => (i + 1) % this.dim === 0;
    return { weights: theta.filter((_, i) => !isIntercept(i)), intercepts: theta.filter((_, i) => isIntercept(i)) };
  }

  /** The objective; the gradient and curvature that are asked for next are those of these parameters. */
  value(theta: Float64Array): number {
    const { classes, scores, labels } = this;
    const rows = this.rowsOf(theta);
    let loss = 0;
    this.x.forEach((x, i) => {
      const p = this.p[i];
      let highest = Number.NEGATIVE_INFINITY;
      for (let c = 0; c < classes; c++) {
        scores[c] = dot(x, rows[c]);
        if (scores[c] > highest) highest = scores[c];
      }
      let total = 0;
      for (let c = 0; c < classes; c++) {
        p[c] = exp(scores[c] - highest);
        total += p[c];
      }
      for (let c = 0; c < classes; c++) p[c] /= total;
      loss += log(total) + highest - scores[labels[i]];
    });
    const norm2 = rows.reduce((sum, row) => sum + dot(row, row) - row[this.dim - 1] ** 2, 0);
    return loss / labels.length + 0.5 * this.lambda * norm2;
  }

  /** 1/n Σ_i (p_i − e_{y_i}) x_iᵀ + λW */
  gradient(theta: Float64Array, into: Float64Array): void {
    const { classes, p, labels } = this;
    this.penalty(theta, into);
    const rows = this.rowsOf(into);
    this.x.forEach((x, i) => {
      for (let c = 0; c < classes; c++) addScaled(rows[c], (p[i][c] - (labels[i] === c ? 1 : 0)) / labels.length, x);
    });
  }

  /** H·v = 1/n Σ_i p_i ∘ (u_i − p_i·u_i) x_iᵀ + λV with u_i = V·x_i */
  curvature(v: Float64Array, into: Float64Array): void {
    const { classes, scores, labels } = this;
    this.penalty(v, into);
    const [from, to] = [this.rowsOf(v), this.rowsOf(into)];
    this.x.forEach((x, i) => {
      const p = this.p[i];
      let mean = 0;
      for (let c = 0; c < classes; c++) {
        scores[c] = dot(x, from[c]);
        mean += p[c] * scores[c];
      }
      for (let c = 0; c < classes; c++) addScaled(to[c], (p[c] * (scores[c] - mean)) / labels.length, x);
    });
  }

  /** λ times the weights, 0 for intercepts. */
  private penalty(theta: Float64Array, into: Float64Array): void {
    for (let i = 0; i < theta.length; i++) into[i] = this.lambda * theta[i];
    for (let i = this.dim - 1; i < theta.length; i += this.dim) into[i] = 0;
  }

  /** The parameters of each class, as views. */
  private rowsOf(theta: Float64Array): Float64Array[] {
    return Array.from({ length: this.classes }, (_, c) => theta.subarray(c * this.dim, (c + 1) * this.dim));
  }
}

/** Without an example the best intercept of a class is −∞. */
function expectEveryClass(labels: Int32Array, classes: number): void {
  const seen = new Set(labels);
  for (const label of seen) {
    if (label < 0 || label >= classes)
      throw new ShapeError(`logistic regression: label ${label} is outside the ${classes} classes.`);
  }
  for (let c = 0; c < classes; c++) {
    if (!seen.has(c)) throw new DataError(`logistic regression: class ${c} has no example. Number the others anew.`);
  }
}

function largestOf(values: Float64Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

/** Σ a[i]·b[i], by four partial sums. */
function dot(a: Float64Array, b: Float64Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= a.length; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (; i < a.length; i++) s0 += a[i] * b[i];
  return s0 + s1 + (s2 + s3);
}

/** a[i] += factor·b[i] */
function addScaled(a: Float64Array, factor: number, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i] += factor * b[i];
}
