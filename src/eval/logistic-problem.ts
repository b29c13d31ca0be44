import { ConfigError, DataError, ShapeError } from "../errors.js";
import { exp, log } from "../tensor/math.js";
import { Cholesky } from "./cholesky.js";
import { addScaled, dot } from "./f64-vectors.js";

/** Factoring a matrix of F² numbers pays up to so many times as many examples × classes. */
const FACTOR_PAYS = 60;

/** A softmax classifier: scores W·x + b. */
export interface LogisticModel {
  /** W [classes, F], row-major. */
  readonly weights: Float64Array;
  /** b [classes] */
  readonly intercepts: Float64Array;
}

/** Classes, penalty and start of the search for the minimum. */
export interface LogisticOptions {
  readonly classes: number;
  /** λ > 0. */
  readonly lambda: number;
  /** Where to start; default zeros. The result is the same to the last digits. */
  readonly start?: LogisticModel;
}

/**
 * The objective with its derivatives. Parameters are [classes, F + 1], the intercept behind each row of weights. Features are
 * centred, which only the intercepts feel: they and the weights are then sought apart.
 */
export class LogisticProblem {
  /** Number of parameters. */
  readonly length: number;
  private readonly dim: number;
  private readonly classes: number;
  private readonly lambda: number;
  private readonly labels: Int32Array;
  /** [F] */
  private readonly mean: Float64Array;
  /** Centred [n, F + 1], a 1 behind each feature. */
  private readonly x: readonly Float64Array[];
  /** 1/n Σ x·xᵀ of the features [F, F], its lower half; null where factors of it would cost more than they save. */
  private readonly covariance: readonly Float64Array[] | null;
  /** Probabilities [n, classes] of the parameters that were valued last. */
  private readonly p: readonly Float64Array[];
  private readonly scores: Float64Array;

  constructor(features: ArrayLike<number>, labels: Int32Array, { classes, lambda }: LogisticOptions) {
    if (!(lambda > 0 && Number.isFinite(lambda)))
      throw new ConfigError(`logistic regression: λ is ${lambda}, expected a finite number above 0.`);
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
    const count = labels.length;
    this.mean = new Float64Array(dim);
    for (let i = 0; i < features.length; i++) this.mean[i % dim] += features[i] / count;
    this.x = Array.from(labels, (_, i) =>
      Float64Array.from({ length: this.dim }, (_, f) => (f < dim ? features[i * dim + f] - this.mean[f] : 1)),
    );
    this.covariance = dim ** 2 <= FACTOR_PAYS * count * classes ? covarianceOf(this.x, dim) : null;
    this.p = Array.from(labels, () => new Float64Array(classes));
    this.scores = new Float64Array(classes);
  }

  parametersOf(model?: LogisticModel): Float64Array {
    const theta = new Float64Array(this.length);
    if (!model) return theta;
    const dim = this.dim - 1;
    this.rowsOf(theta).forEach((row, c) => {
      row.set(model.weights.subarray(c * dim, (c + 1) * dim));
      row[dim] = model.intercepts[c] + dot(row, this.mean, dim);
    });
    return theta;
  }

  modelOf(theta: Float64Array): LogisticModel {
    const dim = this.dim - 1;
    const rows = this.rowsOf(theta);
    const weights = new Float64Array(this.classes * dim);
    for (const [c, row] of rows.entries()) weights.set(row.subarray(0, dim), c * dim);
    return { weights, intercepts: Float64Array.from(rows, (row) => row[dim] - dot(row, this.mean, dim)) };
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

  /**
   * Approximately H⁻¹·r: H as if every example had the mean curvature of all and classes knew nothing of each other, which
   * leaves one matrix of the features.
   */
  preconditioner(): (r: Float64Array) => Float64Array {
    const { covariance, lambda, classes, p } = this;
    if (!covariance) return (r) => r.slice();
    const total = p.reduce((sum, row) => sum + row.reduce((part, value) => part + value * (1 - value), 0), 0);
    const curvature = Math.max(total / (p.length * classes), lambda);
    const factor = new Cholesky(covariance, { scale: curvature, shift: lambda });
    return (r) => {
      const solution = r.slice();
      for (const row of this.rowsOf(solution)) {
        factor.solve(row.subarray(0, -1));
        row[row.length - 1] /= curvature;
      }
      return solution;
    };
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

/** The lower half of 1/n Σ x·xᵀ over the first `dim` columns. */
function covarianceOf(x: readonly Float64Array[], dim: number): Float64Array[] {
  const sums = Array.from({ length: dim }, () => new Float64Array(dim));
  for (const row of x) for (let f = 0; f < dim; f++) addScaled(sums[f], row[f] / x.length, row, f + 1);
  return sums;
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
