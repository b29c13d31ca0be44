import * as assert from "uvu/assert";
import { type AugmentPolicy, drawAugmentation, drawWindow } from "../../src/data/augment-parameters.js";
import { Rng } from "../../src/tensor/random.js";
import { test } from "../support/test.js";

const policy: AugmentPolicy = {
  size: 32,
  scale: [0.32, 1],
  flipProbability: 0.5,
  jitter: [0.4, 0.4, 0.2, 0.1],
  jitterProbability: 0.8,
  grayscaleProbability: 0.2,
  blurKernel: 9,
  blurProbability: 0.9,
  blurSigma: [0.1, 2],
  solarizeProbability: 0.3,
  rotationDegrees: 20,
};

const image = { height: 60, width: 80 };
const DRAWS = 4000;
const drawn = Array.from({ length: DRAWS }, (_, i) => drawAugmentation(new Rng(0, 0, i, 1), image, policy));

/** Share of draws with a property, which must lie within four standard errors of p. */
function assertShare(p: number, has: (parameters: (typeof drawn)[number]) => boolean, what: string): void {
  const share = drawn.filter(has).length / DRAWS;
  assert.ok(Math.abs(share - p) < 4 * Math.sqrt((p * (1 - p)) / DRAWS), `${what}: ${share}, expected ${p}`);
}

function assertRange(values: number[], low: number, high: number, what: string): void {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const margin = 0.02 * (high - low);
  assert.ok(
    least >= low && least < low + margin && most <= high && most > high - margin,
    `${what}: ${least} … ${most}`,
  );
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(mean - (low + high) / 2) < 0.03 * (high - low), `${what}: mean ${mean}`);
}

test("each operation occurs with its probability", () => {
  assertShare(0.5, ({ flip }) => flip, "flip");
  assertShare(0.8, ({ jitter }) => jitter.length === 4, "jitter");
  assertShare(0.2, ({ jitter }) => jitter.length === 0, "no jitter");
  assertShare(0.2, ({ grayscale }) => grayscale, "grayscale");
  assertShare(0.9, ({ blur }) => blur !== null, "blur");
  assertShare(0.3, ({ solarize }) => solarize, "solarise");
});

test("strengths are uniform over their ranges", () => {
  const amounts = (op: string) =>
    drawn.flatMap(({ jitter }) => jitter.filter((step) => step.op === op).map(({ amount }) => amount));
  assertRange(amounts("brightness"), 0.6, 1.4, "brightness");
  assertRange(amounts("contrast"), 0.6, 1.4, "contrast");
  assertRange(amounts("saturation"), 0.8, 1.2, "saturation");
  assertRange(amounts("hue"), -0.1, 0.1, "hue");
  assertRange(
    drawn.flatMap(({ blur }) => (blur ? [blur.sigma] : [])),
    0.1,
    2,
    "blur",
  );
  assertRange(
    drawn.map(({ rotation }) => rotation),
    -20,
    20,
    "rotation",
  );
});

test("the four colour operations come in every order", () => {
  const orders = new Set(drawn.map(({ jitter }) => jitter.map(({ op }) => op[0]).join("")));
  assert.is(orders.size, 25); // 24 orders and none
});

test("windows have the area and aspect asked for and lie anywhere in the image", () => {
  const windows = drawn.map(({ window }) => window);
  for (const { top, left, height, width } of windows) {
    assert.ok(top >= 0 && left >= 0 && top + height <= 60 && left + width <= 80);
    assert.ok(width / height > 0.73 && width / height < 1.37, `aspect ${width / height}`);
    assert.ok(height * width > 0.31 * 4800, `area ${height * width}`);
  }
  assert.ok(windows.some(({ top, height }) => top + height === 60) && windows.some(({ top }) => top === 0));
  assert.ok(windows.some(({ left, width }) => left + width === 80) && windows.some(({ left }) => left === 0));
});

test("small windows are uniform in area and log-uniform in aspect", () => {
  const windows = Array.from({ length: DRAWS }, (_, i) =>
    drawWindow(new Rng(7, i), { height: 1000, width: 1000 }, [0.1, 0.3]),
  );
  assertRange(
    windows.map(({ height, width }) => (height * width) / 1e6),
    0.099,
    0.301,
    "area",
  );
  assertRange(
    windows.map(({ height, width }) => Math.log(width / height)),
    Math.log(0.745),
    Math.log(1 / 0.745),
    "log aspect",
  );
});

test("an image too narrow for any window gives its centred part with the nearest aspect", () => {
  const rng = () => new Rng(0);
  assert.equal(drawWindow(rng(), { height: 100, width: 10 }, [0.5, 1]), { top: 43, left: 0, height: 13, width: 10 });
  assert.equal(drawWindow(rng(), { height: 9, width: 100 }, [0.5, 1]), { top: 0, left: 44, height: 9, width: 12 });
});

test("an image of one pixel is its own window", () => {
  assert.equal(drawWindow(new Rng(2), { height: 1, width: 1 }, [0.05, 0.32]), { top: 0, left: 0, height: 1, width: 1 });
});

test("operations of strength 0 are left out", () => {
  const rng = new Rng(0);
  const { jitter } = drawAugmentation(rng, image, { ...policy, jitter: [0.4, 0, 0, 0.1], jitterProbability: 1 });
  assert.equal(jitter.map(({ op }) => op).sort(), ["brightness", "hue"]);
  assert.equal(drawAugmentation(rng, image, { ...policy, jitter: [0, 0, 0, 0], jitterProbability: 1 }).jitter, []);
});

test("brightness of strength above 1 never turns negative", () => {
  for (let i = 0; i < 200; i++) {
    const { jitter } = drawAugmentation(new Rng(i), image, { ...policy, jitter: [2, 0, 0, 0], jitterProbability: 1 });
    assert.ok(jitter[0].amount >= 0 && jitter[0].amount <= 3);
  }
});

test("parameters depend on the stream alone", () => {
  assert.equal(
    drawAugmentation(new Rng(3, 1, 4, 1), image, policy),
    drawAugmentation(new Rng(3, 1, 4, 1), image, policy),
  );
  for (const other of [new Rng(2, 1, 4, 1), new Rng(3, 2, 4, 1), new Rng(3, 1, 5, 1), new Rng(3, 1, 4, 2)]) {
    assert.not.equal(drawAugmentation(other, image, policy), drawAugmentation(new Rng(3, 1, 4, 1), image, policy));
  }
});
