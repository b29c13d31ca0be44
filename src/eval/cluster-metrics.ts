import { ShapeError } from "../errors.js";
import { log } from "../tensor/math.js";
import { leastCostAssignment } from "./assignment.js";

/** A class and a cluster for each example. */
export interface Clustering {
  readonly labels: Int32Array;
  readonly classes: number;
  readonly assignments: Int32Array;
  readonly clusters: number;
}

/** How far clusters agree with classes; 1 is the best of each. */
export interface ClusterFigures {
  /** Normalised mutual information, by the mean of both entropies. */
  readonly nmi: number;
  /** Adjusted Rand index (Hubert and Arabie, 1985); 0 on average for random clusters. */
  readonly ari: number;
  /** Fowlkes-Mallows index (1983): the geometric mean of precision and recall over pairs. */
  readonly fmi: number;
}

/** How many examples of each class lie in each cluster, with the sums over clusters, over classes and over both. */
interface Contingency {
  /** [classes, clusters] */
  readonly table: Float64Array;
  readonly perClass: Float64Array;
  readonly perCluster: Float64Array;
  readonly total: number;
}

/**
 * Agreement of clusters and classes.
 *
 * @param rows  the examples that count, some of them several times; default each once
 * @throws ShapeError unless there is a class and a cluster for each example
 */
export function clusterFigures(clustering: Clustering, rows?: Int32Array): ClusterFigures {
  const counts = contingency(clustering, rows);
  return { nmi: mutualInformation(counts), ...pairFigures(counts) };
}

/**
 * The cluster that stands for each class so that most examples are right (Kuhn-Munkres), and which examples are.
 *
 * @returns clusterOf  per class, −1 where there are fewer clusters than classes
 * @returns hits  1 or 0 per example; their mean is the accuracy
 */
export function matchedHits(clustering: Clustering): { clusterOf: Int32Array; hits: Uint8Array } {
  const { labels, classes, assignments, clusters } = clustering;
  const { table } = contingency(clustering);
  const clusterOf = leastCostAssignment(
    table.map((count) => -count),
    classes,
    clusters,
  );
  const hits = Uint8Array.from(labels, (label, i) => (clusterOf[label] === assignments[i] ? 1 : 0));
  return { clusterOf, hits };
}

function contingency({ labels, classes, assignments, clusters }: Clustering, rows?: Int32Array): Contingency {
  if (labels.length !== assignments.length || labels.length === 0) {
    throw new ShapeError(
      `clusters: ${assignments.length} clusters for ${labels.length} labels, expected as many, at least one.`,
    );
  }
  const table = new Float64Array(classes * clusters);
  const total = rows?.length ?? labels.length;
  for (let n = 0; n < total; n++) {
    const i = rows ? rows[n] : n;
    table[labels[i] * clusters + assignments[i]]++;
  }
  const [perClass, perCluster] = [new Float64Array(classes), new Float64Array(clusters)];
  for (let c = 0; c < classes; c++) {
    for (let k = 0; k < clusters; k++) {
      perClass[c] += table[c * clusters + k];
      perCluster[k] += table[c * clusters + k];
    }
  }
  return { table, perClass, perCluster, total };
}

/** I(class; cluster) / ((H(class) + H(cluster)) / 2); 1 where neither distinguishes anything. */
function mutualInformation({ table, perClass, perCluster, total }: Contingency): number {
  const entropy = (counts: Float64Array) =>
    counts.reduce((sum, count) => (count > 0 ? sum - (count / total) * log(count / total) : sum), 0);
  const [ofClasses, ofClusters] = [entropy(perClass), entropy(perCluster)];
  if (ofClasses === 0 && ofClusters === 0) return 1;
  // I = H(class) + H(cluster) − H(both); rounding may leave it a hair below zero.
  return (2 * Math.max(0, ofClasses + ofClusters - entropy(table))) / (ofClasses + ofClusters);
}

/** Rand and Fowlkes-Mallows: both count pairs of examples that lie together in class, in cluster, in both. */
function pairFigures({ table, perClass, perCluster, total }: Contingency): { ari: number; fmi: number } {
  const pairs = (counts: Float64Array) => counts.reduce((sum, count) => sum + (count * (count - 1)) / 2, 0);
  const [together, inClass, inCluster] = [pairs(table), pairs(perClass), pairs(perCluster)];
  const all = (total * (total - 1)) / 2;
  const expected = all > 0 ? (inClass * inCluster) / all : 0;
  const largest = (inClass + inCluster) / 2;
  return {
    ari: largest === expected ? 1 : (together - expected) / (largest - expected),
    fmi: together === 0 ? 0 : Math.sqrt(together / inClass) * Math.sqrt(together / inCluster),
  };
}
