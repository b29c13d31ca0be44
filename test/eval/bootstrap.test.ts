import * as assert from "uvu/assert";
import { ShapeError } from "../../src/errors.js";
import { bootstrap, bootstrapMean, Resamples } from "../../src/eval/bootstrap.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const answers = Uint8Array.from({ length: 400 }, (_, i) => (i % 4 === 0 ? 1 : 0));

test("the interval of a share is near mean ± 1.96 standard errors", () => {
  const { low, high } = bootstrapMean(answers);
  const error = 1.96 * Math.sqrt((0.25 * 0.75) / 400);
  assert.ok(Math.abs(low - (0.25 - error)) < 0.006, `low is ${low}`);
  assert.ok(Math.abs(high - (0.25 + error)) < 0.006, `high is ${high}`);
});

test("a higher level gives a wider interval, and level 0 the median alone", () => {
  const [wide, usual, point] = [0.99, 0.95, 0].map((level) => bootstrapMean(answers, { level }));
  assert.ok(wide.low < usual.low && usual.high < wide.high);
  assert.is(point.low, point.high);
});

test("equal answers leave no doubt", () => {
  assert.equal(bootstrapMean(new Float64Array(7).fill(0.5)), { low: 0.5, high: 0.5 });
});

test("the interval is a function of the seed", () => {
  assert.equal(bootstrapMean(answers, { seed: 3 }), bootstrapMean(answers, { seed: 3 }));
  assert.not.equal(bootstrapMean(answers, { seed: 3 }), bootstrapMean(answers, { seed: 4 }));
});

test("any figure of a sample can be asked about, and each example is drawn sooner or later", () => {
  const seen = new Set<number>();
  const { low, high } = bootstrap(5, (rows) => {
    for (const row of rows) seen.add(row);
    return Math.max(...rows);
  });
  assert.equal([...seen].sort(), [0, 1, 2, 3, 4]);
  assert.equal([low, high], [2, 4]);
});

test("an empty sample is refused", () => {
  refuses(() => bootstrapMean([]), ShapeError, "the sample is empty");
});

test("intervals over resamples that are drawn once are those of the mean, also for weights that are no answers", () => {
  const once = new Resamples(answers.length);
  assert.equal(once.interval(answers), bootstrapMean(answers));
  const steps = Int8Array.from({ length: 400 }, (_, i) => (i % 5) - 1);
  assert.equal(once.interval(steps), bootstrapMean(steps));
  const options = { level: 0.8, resamples: 50, seed: 9 };
  assert.equal(new Resamples(400, options).interval(answers), bootstrapMean(answers, options));
  assert.equal(once.interval(new Uint8Array(400)), { low: 0, high: 0 });
});

test("resamples of nothing, of too many examples, and values of another number are refused", () => {
  refuses(() => new Resamples(0), ShapeError, "a sample of 0 examples");
  refuses(() => new Resamples(70_000, { resamples: 1 }), ShapeError, "expected 1 to 65,535");
  refuses(() => new Resamples(3).interval([1, 0]), ShapeError, "2 values for a sample of 3 examples");
});
