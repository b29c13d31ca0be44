import * as assert from "uvu/assert";
import { ConfigError, ShapeError } from "../../src/errors.js";
import { kMeans, kMeansFrom } from "../../src/eval/kmeans.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { close } from "../support/close.js";
import { jsonFixture } from "../support/json-fixture.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

await init();

const fixture = jsonFixture<{
  points: number[][];
  bestInertia: number;
  start: number[][];
  fromStart: { assignments: number[]; centroids: number[][]; inertia: number };
}>("eval/cluster.json");
const points = fromArray(fixture.points.flat(), [fixture.points.length, 3]);

test("from given centroids, points, centroids and inertia end where scikit-learn's do", () => {
  const { assignments, centroids, inertia } = kMeansFrom(points, fixture.start.flat(), { tolerance: 0 });
  assert.equal([...assignments], fixture.fromStart.assignments);
  close(centroids, fixture.fromStart.centroids.flat(), 1e-6);
  close([inertia], [fixture.fromStart.inertia], 1e-6);
});

test("the best of several starts is as good as scikit-learn's best of fifty", () => {
  const { inertia, starts } = kMeans(points, 5, { restarts: 20, tolerance: 0 });
  close([inertia], [fixture.bestInertia], 1e-5);
  assert.is(starts.length, 20);
  assert.is(inertia, Math.min(...starts.map((start) => start.inertia)));
});

test("centroids are the means of their points, and no point is nearer to another one", () => {
  const { assignments, centroids } = kMeans(points, 4, { tolerance: 0 });
  for (let k = 0; k < 4; k++) {
    const own = fixture.points.filter((_, n) => assignments[n] === k);
    const mean = [0, 1, 2].map((d) => own.reduce((sum, point) => sum + point[d], 0) / own.length);
    close(centroids.subarray(3 * k, 3 * k + 3), mean, 1e-6);
  }
  fixture.points.forEach((point, n) => {
    const squares = [0, 1, 2, 3].map((k) => point.reduce((sum, x, d) => sum + (x - centroids[3 * k + d]) ** 2, 0));
    assert.ok(squares[assignments[n]] <= Math.min(...squares) + 1e-5);
  });
});

test("the result is a function of the seed, and starts differ", () => {
  const run = (seed: number) => kMeans(points, 9, { restarts: 4, seed });
  assert.equal(run(3), run(3));
  assert.ok(new Set([0, 1, 2].map((seed) => run(seed).inertia)).size > 1);
  assert.ok(new Set(run(0).starts.map((start) => start.inertia)).size > 1);
});

test("a centroid that no point is near to takes the farthest point", () => {
  const line = fromArray([0, 1, 10, 11, 50], [5, 1]);
  const { assignments, centroids, inertia } = kMeansFrom(line, [0.5, 12, 1000]);
  assert.equal([...assignments], [0, 0, 1, 1, 2]);
  close(centroids, [0.5, 10.5, 50], 1e-6);
  close([inertia], [1], 1e-6);
});

test("points that coincide leave a cluster empty instead of failing", () => {
  const same = fromArray([3, 3, 3, 3, 5, 5], [6, 1]);
  const { assignments, inertia } = kMeans(same, 4, { restarts: 2 });
  assert.is(inertia, 0);
  assert.is(new Set(assignments).size, 2);
});

test("as many clusters as points fit them exactly, one cluster is the mean", () => {
  const few = fromArray([0, 0, 4, 0, 0, 8], [3, 2]);
  assert.is(kMeans(few, 3).inertia, 0);
  const { centroids, inertia } = kMeans(few, 1);
  close(centroids, [4 / 3, 8 / 3], 1e-6);
  close([inertia], [32 / 3 + 128 / 3], 1e-6);
});

test("iterations end at their limit, progress counts the starts, and no memory stays behind", () => {
  const before = memory().persistentBytes;
  const seen: number[] = [];
  const { iterations } = kMeans(points, 8, { iterations: 1, restarts: 3, onProgress: (done) => seen.push(done) });
  assert.equal([iterations, seen], [1, [1, 2, 3]]);
  assert.is(memory().persistentBytes, before);
});

test("what cannot be clustered is refused", () => {
  refuses(() => kMeans(points, 151), ConfigError, "151 clusters of 150 points. Ask for 1 to 150");
  refuses(() => kMeans(points, 0), ConfigError, "0 clusters");
  refuses(() => kMeans(points, 2, { restarts: 0 }), ConfigError, "0 starts");
  refuses(() => kMeans(fromArray([1, 2], [2]), 1), ShapeError, "points are [2], expected [N, D]");
});
