import type { Network } from "../elastic/space.js";
import { ConfigError } from "../errors.js";

/**
 * Some networks of a search space that show how it behaves: its corners (narrowest and widest, shallowest and deepest), then
 * always the network farthest from all chosen so far, by place among the widths and among the depths. Nothing is random.
 *
 * @param networks  every pair of a width and a depth once, widths and depths ascending
 * @param count  how many to choose; all of them if there are no more
 * @returns the chosen ones in the order given
 * @throws ConfigError if the corners alone are more
 */
export function sampleGrid<N extends Network>(networks: readonly N[], count: number): N[] {
  if (count >= networks.length) return [...networks];
  const points = placesOf(networks);
  const corners = points.flatMap(([x, y], i) => (isEnd(x) && isEnd(y) ? [i] : []));
  if (count < corners.length) {
    throw new ConfigError(
      `sample: ${count} of ${networks.length} networks do not hold the ${corners.length} corners of the search space. Take ${corners.length} or more.`,
    );
  }
  const chosen = new Set(corners);
  const distances = points.map((point) => Math.min(...corners.map((corner) => distance(point, points[corner]))));
  while (chosen.size < count) {
    const farthest = distances.reduce((best, far, i) => (far > distances[best] ? i : best), 0);
    chosen.add(farthest);
    points.forEach((point, i) => {
      distances[i] = Math.min(distances[i], distance(point, points[farthest]));
    });
  }
  return networks.filter((_, i) => chosen.has(i));
}

type Point = readonly [width: number, depth: number];

/** Where each network stands among the widths and among the depths, from 0 to 1. */
function placesOf(networks: readonly Network[]): Point[] {
  const widths = [...new Set(networks.map(({ width }) => width))];
  const depths = [...new Set(networks.map(({ depth }) => String(depth)))];
  const place = (index: number, count: number) => (count === 1 ? 0 : index / (count - 1));
  return networks.map(({ width, depth }) => [
    place(widths.indexOf(width), widths.length),
    place(depths.indexOf(String(depth)), depths.length),
  ]);
}

const isEnd = (place: number) => place === 0 || place === 1;

const distance = ([x, y]: Point, [u, v]: Point) => Math.sqrt((x - u) ** 2 + (y - v) ** 2);
