import type { Box } from "../../data/detection.js";

/** In square units; 0 for a box whose edges have changed places. */
export function areaOf([left, top, right, bottom]: Box): number {
  return Math.max(right - left, 0) * Math.max(bottom - top, 0);
}

/** Area that two boxes have in common. */
export function intersectionOf(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return Math.max(width, 0) * Math.max(height, 0);
}

/** Intersection over union, 0…1; 0 where neither has an area. */
export function iouOf(a: Box, b: Box): number {
  const intersection = intersectionOf(a, b);
  return intersection === 0 ? 0 : intersection / (areaOf(a) + areaOf(b) - intersection);
}

/** The part of a box inside 0…width, 0…height. */
export function clipped([left, top, right, bottom]: Box, width: number, height: number): Box {
  const within = (value: number, limit: number) => Math.min(Math.max(value, 0), limit);
  return [within(left, width), within(top, height), within(right, width), within(bottom, height)];
}

/** Whether a point lies inside a box, not on its edge. */
export function holds([left, top, right, bottom]: Box, x: number, y: number): boolean {
  return x > left && x < right && y > top && y < bottom;
}
