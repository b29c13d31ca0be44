import type { Box } from "../../data/detection.js";
import { LEFT_OUT, NO_CLASS } from "../../ops/focal-loss.js";
import { areaOf, holds, iouOf } from "./box.js";
import type { PyramidPoints } from "./points.js";

/** Points that an object considers on each level. */
const CANDIDATES = 9;
/** Side of the square that stands for a point, in strides. */
const ANCHOR_STRIDES = 8;

/**
 * Which object each point answers for (ATSS; Zhang et al., "Bridging the gap between anchor-based and anchor-free detection",
 * 2020). An object considers the nine points of each level that are nearest to its centre, each as a square of eight strides,
 * and takes those inside it whose IoU reaches the mean plus the standard deviation of all considered. A point that several
 * objects take goes to the one of greatest IoU.
 *
 * @param boxes  of the objects, in pixels
 * @param leftOut  regions where nothing is known: points inside that no object takes do not count
 * @returns per point the number of its object, −1 for none, −2 for a point that does not count
 */
export function assignPoints(points: PyramidPoints, boxes: readonly Box[], leftOut: readonly Box[] = []): Int32Array {
  const count = points.x.length;
  const taken = new Int32Array(count).fill(NO_CLASS);
  const best = new Float64Array(count);
  boxes.forEach((box, object) => {
    if (areaOf(box) === 0) return;
    const candidates = points.levels.flatMap((_, level) => nearestPoints(points, level, box));
    const overlaps = candidates.map((point) => iouOf(box, anchorOf(points, point)));
    const least = threshold(overlaps);
    candidates.forEach((point, i) => {
      if (overlaps[i] < least || overlaps[i] <= best[point] || !holds(box, points.x[point], points.y[point])) return;
      best[point] = overlaps[i];
      taken[point] = object;
    });
  });
  for (const region of leftOut) {
    for (let point = 0; point < count; point++) {
      if (taken[point] === NO_CLASS && holds(region, points.x[point], points.y[point])) taken[point] = LEFT_OUT;
    }
  }
  return taken;
}

/** The points of a level that are nearest to a box's centre, the nearest first; ties go to the lower number. */
function nearestPoints({ starts, x, y }: PyramidPoints, level: number, [left, top, right, bottom]: Box): number[] {
  const [centreX, centreY] = [(left + right) / 2, (top + bottom) / 2];
  const nearest: number[] = [];
  const distances: number[] = [];
  for (let point = starts[level]; point < starts[level + 1]; point++) {
    const distance = (x[point] - centreX) ** 2 + (y[point] - centreY) ** 2;
    let place = nearest.length;
    while (place > 0 && distances[place - 1] > distance) place--;
    if (place >= CANDIDATES) continue;
    nearest.splice(place, 0, point);
    distances.splice(place, 0, distance);
    nearest.length = Math.min(nearest.length, CANDIDATES);
    distances.length = nearest.length;
  }
  return nearest;
}

function anchorOf({ x, y, stride }: PyramidPoints, point: number): Box {
  const half = (ANCHOR_STRIDES * stride[point]) / 2;
  return [x[point] - half, y[point] - half, x[point] + half, y[point] + half];
}

/** Mean plus standard deviation (of a sample: n − 1). */
function threshold(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return mean;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return mean + Math.sqrt(squares / (values.length - 1));
}
