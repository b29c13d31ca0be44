import * as assert from "uvu/assert";
import { LogisticProblem } from "../../src/eval/logistic-problem.js";
import { close } from "../support/close.js";
import { numbers } from "../support/gradcheck.js";
import { test } from "../support/test.js";

const classes = 3;
const dim = 4;
const labels = Int32Array.from({ length: 17 }, (_, i) => i % classes);
const features = numbers([17, dim], 1);
const problem = new LogisticProblem(features, labels, { classes, lambda: 0.3 });
const theta = numbers([problem.length], 2);
const at = (values: Float64Array) => problem.value(values);

/** Central differences of a function of the parameters, along one of them. */
function difference<T>(i: number, f: (values: Float64Array) => T): [T, T] {
  const [below, above] = [theta.slice(), theta.slice()];
  below[i] -= 1e-5;
  above[i] += 1e-5;
  return [f(above), f(below)];
}

function gradientAt(values: Float64Array): Float64Array {
  const gradient = new Float64Array(problem.length);
  problem.value(values);
  problem.gradient(values, gradient);
  return gradient;
}

test("the gradient is that of the objective, the curvature that of the gradient", () => {
  const gradient = gradientAt(theta);
  for (let i = 0; i < problem.length; i++) {
    const [above, below] = difference(i, at);
    close([gradient[i]], [(above - below) / 2e-5], 1e-9, `gradient ${i}`);
    const [gAbove, gBelow] = difference(i, gradientAt);
    problem.value(theta);
    const unit = new Float64Array(problem.length);
    const column = unit.slice();
    unit[i] = 1;
    problem.curvature(unit, column);
    close(
      column,
      gAbove.map((value, j) => (value - gBelow[j]) / 2e-5),
      1e-8,
      `curvature ${i}`,
    );
  }
});

test("a model becomes parameters and parameters the model", () => {
  const model = { weights: numbers([classes * dim], 3), intercepts: numbers([classes], 4) };
  const back = problem.modelOf(problem.parametersOf(model));
  close(back.weights, model.weights, 1e-15);
  close(back.intercepts, model.intercepts, 1e-14);
  assert.ok(problem.parametersOf().every((value) => value === 0));
});

test("at zero, where all curvatures are equal, the preconditioner inverts the Hessian but for what classes share", () => {
  problem.value(new Float64Array(problem.length));
  // Opposite in two classes and without the third: between classes the Hessian is then that of each, times 3/2.
  const direction = new Float64Array(problem.length);
  direction.set(numbers([dim], 5));
  for (let f = 0; f < dim; f++) direction[dim + 1 + f] = -direction[f];
  const wide = new LogisticProblem(features, labels, { classes, lambda: 1e-9 });
  wide.value(new Float64Array(problem.length));
  const curved = new Float64Array(problem.length);
  wide.curvature(direction, curved);
  close(
    wide.preconditioner()(curved),
    direction.map((value) => 1.5 * value),
    1e-6,
  );
});

test("many features for few examples go without it", () => {
  const few = new LogisticProblem(numbers([3, 200], 1), Int32Array.of(0, 1, 2), { classes, lambda: 0.3 });
  const r = numbers([few.length], 6);
  assert.equal([...few.preconditioner()(r)], [...r]);
});
