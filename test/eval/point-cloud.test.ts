import * as assert from "uvu/assert";
import { NumericError } from "../../src/errors.js";
import { PointCloud } from "../../src/eval/point-cloud.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { close } from "../support/close.js";
import { seeded } from "../support/kernels.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

await init();

const next = seeded(2);
const [count, width, k] = [37, 6, 5];
// Far from the origin, where squared distances would drown in ‖x‖² in single precision.
const points = Float32Array.from({ length: count * width }, () => 1000 + next());
const tensor = fromArray(points, [count, width]);

const squared = (cloud: PointCloud, n: number, centroids: Float64Array, c: number) => {
  let sum = 0;
  for (let d = 0; d < width; d++) {
    sum += (points[n * width + d] - cloud.mean[d] - centroids[c * width + d]) ** 2;
  }
  return sum;
};

test("distances, nearest centroids and inertia are those of a plain loop, also far from the origin", () => {
  const cloud = new PointCloud(tensor);
  const centroids = Float64Array.from({ length: k * width }, () => next() - 0.5);
  const plain = Array.from({ length: count }, (_, n) =>
    Array.from({ length: k }, (_, c) => squared(cloud, n, centroids, c)),
  );
  close(cloud.distances(centroids), plain.flat(), 1e-4);
  const { clusters, squares } = cloud.nearest(centroids);
  close(
    squares,
    plain.map((row) => Math.min(...row)),
    1e-4,
  );
  plain.forEach((row, n) => {
    assert.is(row[clusters[n]], Math.min(...row));
  });
  const inertia = plain.reduce((sum, row) => sum + Math.min(...row), 0);
  close([cloud.inertia(centroids, clusters)], [inertia], 1e-6);
  cloud.dispose();
});

test("the variance is the mean over coordinates", () => {
  const cloud = new PointCloud(fromArray([0, 0, 2, 0, 0, 4, 2, 4], [4, 2]));
  assert.equal([[...cloud.mean], cloud.variance], [[1, 2], 2.5]);
  cloud.dispose();
});

test("memory is given back, and the points are left as they were", () => {
  const before = memory();
  const cloud = new PointCloud(tensor);
  cloud.nearest(new Float64Array(width));
  cloud.dispose();
  assert.equal(memory().persistentBytes, before.persistentBytes);
  assert.equal([...tensor.toArray()], [...points]);
});

test("a number that is not finite is refused", () => {
  refuses(() => new PointCloud(fromArray([1, Number.NaN], [2, 1])), NumericError, "not finite");
});
