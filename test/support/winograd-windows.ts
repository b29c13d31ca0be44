import type { WindowCase } from "./window.js";

type Window = Omit<WindowCase, "channels" | "taps">;

export const taps: [number, number] = [3, 3];

/** Windows of 3 x 3 taps at each kind of edge that tiles of 2 x 2 outputs can have. */
export const cases: readonly (readonly [string, Window])[] = [
  ["even sides", { height: 6, width: 8, first: [-1, -1] }],
  ["odd sides", { height: 5, width: 7, first: [-1, -1] }],
  ["no padding", { height: 5, width: 6 }],
  ["wide padding", { batch: 1, height: 3, width: 2, first: [-2, -3] }],
  ["one output", { batch: 3, height: 3, width: 3 }],
  ["one row", { height: 1, width: 9, first: [-1, -1] }],
  ["no images", { batch: 0, height: 4, width: 4 }],
];

/** How many tiles of 2 x 2 outputs a window has. */
export const tilesOf = ({ height, width, first = [0, 0], batch = 2 }: Window) => {
  const [rows, columns] = [height - 2 * first[0] - 2, width - 2 * first[1] - 2];
  return batch * Math.ceil(rows / 2) * Math.ceil(columns / 2);
};
