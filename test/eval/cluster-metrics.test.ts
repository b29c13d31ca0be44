import * as assert from "uvu/assert";
import { ShapeError } from "../../src/errors.js";
import { type Clustering, clusterFigures, matchedHits } from "../../src/eval/cluster-metrics.js";
import { close } from "../support/close.js";
import { jsonFixture } from "../support/json-fixture.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const { agreements } = jsonFixture<{
  agreements: {
    labels: number[];
    assignments: number[];
    accuracy: number;
    nmi: number;
    ari: number;
    fmi: number;
  }[];
}>("eval/cluster.json");

function clusteringOf(labels: readonly number[], assignments: readonly number[]): Clustering {
  return {
    labels: Int32Array.from(labels),
    classes: Math.max(...labels) + 1,
    assignments: Int32Array.from(assignments),
    clusters: Math.max(...assignments) + 1,
  };
}

const accuracyOf = ({ hits }: { hits: Uint8Array }) => hits.reduce((sum, hit) => sum + hit, 0) / hits.length;

test("figures are those of scikit-learn, matched accuracy that of scipy's assignment", () => {
  agreements.forEach(({ labels, assignments, accuracy, nmi, ari, fmi }, i) => {
    const clustering = clusteringOf(labels, assignments);
    const figures = clusterFigures(clustering);
    close([figures.nmi, figures.ari, figures.fmi], [nmi, ari, fmi], 1e-12, `agreement ${i}`);
    assert.is(accuracyOf(matchedHits(clustering)), accuracy);
  });
});

test("equal partitions agree wholly, whatever their numbers", () => {
  const clustering = clusteringOf([0, 0, 1, 2, 2, 2], [2, 2, 0, 1, 1, 1]);
  const { nmi, ari, fmi } = clusterFigures(clustering);
  close([nmi, ari, fmi], [1, 1, 1], 1e-12);
  const { clusterOf, hits } = matchedHits(clustering);
  assert.equal(
    [[...clusterOf], [...hits]],
    [
      [2, 0, 1],
      [1, 1, 1, 1, 1, 1],
    ],
  );
});

test("four examples by hand: two pairs that lie across", () => {
  // classes {0,1},{2,3}; clusters {0,2},{1,3}: no pair lies together in both, one third is expected to
  const { nmi, ari, fmi } = clusterFigures(clusteringOf([0, 0, 1, 1], [0, 1, 0, 1]));
  close([nmi, ari, fmi], [0, -0.5, 0], 1e-12);
});

test("one cluster tells nothing; one cluster of one class tells all there is", () => {
  const one = clusterFigures(clusteringOf([0, 1, 0, 1], [0, 0, 0, 0]));
  assert.equal([one.nmi, one.ari], [0, 0]);
  const alone = clusterFigures(clusteringOf([0, 0, 0], [0, 0, 0]));
  assert.equal(alone, { nmi: 1, ari: 1, fmi: 1 });
});

test("with fewer clusters than classes a class has none, with more some stand for none", () => {
  const few = matchedHits(clusteringOf([0, 1, 1, 2, 2], [0, 0, 0, 1, 1]));
  assert.equal(
    [[...few.clusterOf], [...few.hits]],
    [
      [-1, 0, 1],
      [0, 1, 1, 1, 1],
    ],
  );
  const many = matchedHits(clusteringOf([0, 0, 0, 1], [0, 0, 2, 1]));
  assert.equal(
    [[...many.clusterOf], [...many.hits]],
    [
      [0, 1],
      [1, 1, 0, 1],
    ],
  );
});

test("rows choose the examples that count, some of them several times", () => {
  const whole = clusteringOf([0, 0, 1, 1, 0], [0, 1, 1, 1, 0]);
  const rows = Int32Array.of(0, 2, 2, 1);
  const drawn = clusteringOf([0, 1, 1, 0], [0, 1, 1, 1]);
  assert.equal(clusterFigures(whole, rows), clusterFigures(drawn));
});

test("a cluster for each label is demanded", () => {
  refuses(() => clusterFigures(clusteringOf([0, 1], [0])), ShapeError, "1 clusters for 2 labels");
});
