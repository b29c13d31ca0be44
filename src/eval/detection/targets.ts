import type { Box } from "../../data/detection.js";
import { NO_CLASS } from "../../ops/focal-loss.js";
import { assignPoints } from "./assign.js";
import { type PyramidPoints, rowOf } from "./points.js";

/** The objects of one image of a batch, in its pixels. */
export interface SceneObjects {
  readonly boxes: readonly Box[];
  /** Class of each box. */
  readonly labels: readonly number[];
  /** Regions where what is found is neither right nor wrong. */
  readonly leftOut: readonly Box[];
}

/** What the predictions of a batch should be, row by row as `rowOf` counts them. */
export interface DetectionTargets {
  /** Class of each row [R], −1 for background, −2 for a row that does not count. */
  readonly classes: Int32Array;
  /** Rows that answer for an object [M]. */
  readonly positives: Int32Array;
  /** Edges of their objects, from the point and in its strides: left, top, right, bottom [M · 4], the first two ≤ 0. */
  readonly edges: Float64Array;
  /** How near a point is to the middle of its object [M], 0…1. */
  readonly centreness: Float64Array;
}

/**
 * Targets of a batch. Centreness is √(min(l, r)/max(l, r) · min(t, b)/max(t, b)) for the distances of a point to the edges
 * (FCOS, Tian et al., 2019).
 */
export function detectionTargets(points: PyramidPoints, scenes: readonly SceneObjects[]): DetectionTargets {
  const classes = new Int32Array(scenes.length * points.x.length).fill(NO_CLASS);
  const positives: number[] = [];
  const edges: number[] = [];
  const centreness: number[] = [];
  scenes.forEach(({ boxes, labels, leftOut }, image) => {
    assignPoints(points, boxes, leftOut).forEach((object, point) => {
      if (object === NO_CLASS) return;
      const row = rowOf(points, point, image, scenes.length);
      classes[row] = object < 0 ? object : labels[object];
      if (object < 0) return;
      const [x, y, stride] = [points.x[point], points.y[point], points.stride[point]];
      const [left, top, right, bottom] = boxes[object];
      positives.push(row);
      edges.push((left - x) / stride, (top - y) / stride, (right - x) / stride, (bottom - y) / stride);
      centreness.push(Math.sqrt(balance(x - left, right - x) * balance(y - top, bottom - y)));
    });
  });
  return {
    classes,
    positives: Int32Array.from(positives),
    edges: Float64Array.from(edges),
    centreness: Float64Array.from(centreness),
  };
}

const balance = (a: number, b: number) => Math.min(a, b) / Math.max(a, b);
