import * as assert from "uvu/assert";
import type { TeacherView } from "../../src/poa/step.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { FeatureSpread, TeacherWatch } from "../../src/train/teacher-watch.js";
import { test } from "../support/test.js";

await init();

const near = (actual: number, expected: number, what = "") =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${what} ${actual}, expected ${expected}`);

/** Two images, so four rows of targets per head; features that do not matter. */
function view(...heads: number[][][]): TeacherView {
  return {
    images: 2,
    features: fromArray([1, 0, 0, 1, 1, 0, 0, 1], [4, 2]),
    targets: heads.map((rows) => fromArray(rows.flat(), [rows.length, rows[0].length])),
  };
}

function watched(...views: TeacherView[]) {
  const watch = new TeacherWatch();
  for (const each of views) watch.see(each);
  return watch.health();
}

const ln = Math.log;

test("entropies of targets that are spread, of targets on one prototype, and of targets that differ", () => {
  const uniform = [1, 2, 3, 4].map(() => [0.25, 0.25, 0.25, 0.25]);
  const same = [1, 2, 3, 4].map(() => [0, 1, 0]);
  const different = [
    [1, 0],
    [1, 0],
    [0, 1],
    [0, 1],
  ];
  const { heads, images } = watched(view(uniform, same, different));
  assert.is(images, 2);
  assert.equal(
    heads.map(({ prototypes }) => prototypes),
    [4, 3, 2],
  );
  near(heads[0].mean, ln(4), "spread, mean");
  near(heads[0].each, ln(4), "spread, each");
  near(heads[1].mean, 0, "one, mean");
  near(heads[1].each, 0, "one, each");
  near(heads[2].mean, ln(2), "different, mean");
  near(heads[2].each, 0, "different, each");
});

test("entropy of a skew target, by hand", () => {
  const { heads } = watched(view([1, 2, 3, 4].map(() => [0.5, 0.25, 0.25])));
  near(heads[0].mean, 0.5 * ln(2) + 0.5 * ln(4));
  near(heads[0].each, heads[0].mean);
});

test("micro-batches count as one batch", () => {
  const first = [1, 2, 3, 4].map(() => [1, 0]);
  const second = [1, 2, 3, 4].map(() => [0, 1]);
  const { heads, images } = watched(view(first), view(second));
  assert.is(images, 4);
  near(heads[0].mean, ln(2));
  near(heads[0].each, 0);
});

test("unit features that point everywhere spread by 1/√F, whatever their lengths; equal ones not at all", () => {
  const rng = new Rng(1);
  const [count, dim] = [4000, 16];
  const everywhere = Float32Array.from({ length: count * dim }, () => rng.normal());
  for (let row = 0; row < count; row++) for (let i = 0; i < dim; i++) everywhere[row * dim + i] *= 1 + (row % 7);
  const spread = new FeatureSpread();
  spread.add(everywhere, dim);
  assert.is(spread.dim, 16);
  assert.ok(Math.abs(spread.std() - 1 / 4) < 0.002, `${spread.std()}`);

  const equal = new FeatureSpread();
  equal.add([3, 4, 3, 4, 6, 8], 2);
  near(equal.std(), 0);
});

test("the spread of few features, by hand, in one part or several, zeros included", () => {
  // Unit rows (1, 0), (0, 1), (0, 0), (1, 0): deviations 0.5 and √3/4.
  const rows = [2, 0, 0, 5, 0, 0, 1, 0];
  const [whole, parts] = [new FeatureSpread(), new FeatureSpread()];
  whole.add(rows, 2);
  parts.add(rows.slice(0, 2), 2);
  parts.add(rows.slice(2), 2);
  near(whole.std(), (0.5 + Math.sqrt(3) / 4) / 2);
  assert.is(parts.std(), whole.std());
});
