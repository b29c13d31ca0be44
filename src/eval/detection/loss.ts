import { binaryCrossEntropy } from "../../ops/binary-cross-entropy.js";
import { multiply } from "../../ops/elementwise.js";
import { focalLoss } from "../../ops/focal-loss.js";
import { gatherRows } from "../../ops/gather.js";
import { giouLoss } from "../../ops/giou-loss.js";
import { weightedSum } from "../../ops/reduce.js";
import { fromArray } from "../../tensor/create.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { Predictions } from "./head.js";
import type { DetectionTargets } from "./targets.js";

/** The terms of a batch's loss, scalars. */
export interface DetectionLoss {
  readonly total: Tensor;
  readonly classes: Tensor;
  /** Null where no point answers for an object. */
  readonly boxes: Tensor | null;
  readonly centreness: Tensor | null;
}

/**
 * Loss of a batch: focal loss of the classes and cross-entropy of the centreness, each per positive point, and the GIoU loss
 * averaged with the centreness as weights (FCOS, Tian et al., 2019).
 *
 * @param options.boxWeight  factor of the GIoU loss
 */
export function detectionLoss(
  { classes, distances, centreness }: Predictions,
  targets: DetectionTargets,
  { boxWeight }: { boxWeight: number },
): DetectionLoss {
  const count = targets.positives.length;
  const forClasses = focalLoss(classes, targets.classes, { scale: 1 / Math.max(count, 1) });
  if (count === 0) return { total: forClasses, classes: forClasses, boxes: null, centreness: null };
  // In strides about the point, where GIoU is the same as in pixels.
  const outward = fromArray(
    Float64Array.from({ length: 4 * count }, (_, i) => (i % 4 < 2 ? -1 : 1)),
    [count, 4],
  );
  const edges = multiply(gatherRows(distances, targets.positives), outward);
  const weights = fromArray(targets.centreness, [count]);
  const total = targets.centreness.reduce((sum, weight) => sum + weight, 0);
  const forBoxes = giouLoss(edges, fromArray(targets.edges, [count, 4]), { weights, scale: 1 / total });
  const forCentreness = binaryCrossEntropy(
    gatherRows(centreness, targets.positives),
    fromArray(targets.centreness, [count, 1]),
    { scale: 1 / count },
  );
  return {
    total: weightedSum([forClasses, forBoxes, forCentreness], [1, boxWeight, 1]),
    classes: forClasses,
    boxes: forBoxes,
    centreness: forCentreness,
  };
}
