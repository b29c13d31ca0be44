import { NumericError } from "../errors.js";
import { addScaled, dot } from "./f64-vectors.js";
import { type LogisticModel, type LogisticOptions, LogisticProblem } from "./logistic-problem.js";

/** A gradient whose largest component is below this counts as zero. */
const TOLERANCE = 1e-10;
const MAX_NEWTON_STEPS = 100;
const MAX_PRODUCTS = 500;
/** Share of the predicted decrease that a step must bring. */
const SUFFICIENT = 1e-4;
/** Relative error of an objective in double precision, below which a decrease cannot be told. */
const ROUNDING = 1e-14;

/** A model at the minimum of its objective, and what it took. */
export interface LogisticFit extends LogisticModel {
  readonly newtonSteps: number;
  /** Products with the Hessian, each about as much work as a gradient. */
  readonly products: number;
  /** Largest component of the gradient at the end. */
  readonly gradient: number;
}

/**
 * Multinomial logistic regression: the minimum of 1/n Σ_i −log softmax(W·x_i + b)_{y_i} + λ/2 ‖W‖², intercepts without
 * penalty. The objective is convex; Newton steps, each solved by conjugate gradients as far as it is worth, bring every
 * component of the gradient below 1e-10, in double precision and in a fixed order (truncated Newton, Nocedal & Wright,
 * algorithm 7.1).
 *
 * @param features  x [n, F], row-major
 * @param labels  y [n], from 0 to classes − 1
 * @throws ShapeError if the two do not fit, DataError for a class without example, ConfigError unless λ > 0
 * @throws NumericError if features are not finite, or λ is so small that the minimum is out of reach
 */
export function fitLogistic(features: ArrayLike<number>, labels: Int32Array, options: LogisticOptions): LogisticFit {
  const problem = new LogisticProblem(features, labels, options);
  const { length } = problem;
  const theta = problem.parametersOf(options.start);
  const [gradient, direction, trial] = [0, 0, 0].map(() => new Float64Array(length));
  let value = problem.value(theta);
  problem.gradient(theta, gradient);
  let products = 0;
  for (let step = 0; step < MAX_NEWTON_STEPS; step++) {
    const largest = largestOf(gradient);
    if (largest <= TOLERANCE) return { ...problem.modelOf(theta), newtonSteps: step, products, gradient: largest };
    products += newtonDirection(problem, gradient, direction);
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

/**
 * Approximately −H⁻¹·g by preconditioned conjugate gradients: the closer to the minimum, the more exactly.
 *
 * @returns the number of products with H
 */
function newtonDirection(problem: LogisticProblem, gradient: Float64Array, direction: Float64Array): number {
  const { length } = gradient;
  const residual = gradient.map((g) => -g);
  const solve = problem.preconditioner();
  const guess = solve(residual);
  const search = guess.slice();
  const curved = new Float64Array(length);
  direction.fill(0);
  const norm = Math.sqrt(dot(residual, residual));
  const enough = (Math.min(0.1, Math.sqrt(norm)) * norm) ** 2;
  let fit = dot(residual, guess);
  for (let product = 0; product < MAX_PRODUCTS; product++) {
    if (dot(residual, residual) <= enough) return product;
    problem.curvature(search, curved);
    const along = dot(search, curved);
    if (!(along > 0)) return product; // flat: an equal shift of all intercepts changes nothing
    addScaled(direction, fit / along, search);
    addScaled(residual, -fit / along, curved);
    const better = solve(residual);
    const before = fit;
    fit = dot(residual, better);
    for (let i = 0; i < length; i++) search[i] = better[i] + (fit / before) * search[i];
  }
  return MAX_PRODUCTS;
}

function largestOf(values: Float64Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}
