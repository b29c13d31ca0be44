import { ConfigError } from "../errors.js";
import { fromArray } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";

/** Keeps tokens of different regions apart: what attention adds to their scores (Liu et al. 2021). */
const APART = -100;

/** Side of the windows and how far they are moved, in cells. */
export interface WindowOptions {
  /** Side of a window, in cells. */
  readonly window: number;
  /** Cells by which windows are moved down and to the right, for rows and columns; default none. */
  readonly shift?: readonly [number, number];
}

/** How the cells of a map lie in windows. Its tensors belong to the frame in which it was made. */
export interface WindowLayout {
  /** Cells of the map. */
  readonly height: number;
  readonly width: number;
  /** Side of a window, in cells. */
  readonly window: number;
  /** Windows of one map, row by row; maps are filled up with zeros at the right and below. */
  readonly windows: number;
  /** Cell of the map for each cell of the windows, −1 for one beyond the map  i32 [windows·window²]. */
  readonly toWindows: Tensor;
  /** Cell of the windows for each cell of the map  i32 [height·width]. */
  readonly toMap: Tensor;
  /** What attention adds to the scores within each window, 0 or −100; null where nothing is moved  [windows, T, T]. */
  readonly mask: Tensor | null;
}

/**
 * Lays windows over a map that is filled up to whole windows and moved in a circle by `shift` cells; cells that were no
 * neighbours before are kept apart by a mask (Liu et al. 2021). One layout serves all blocks that see maps of this size.
 *
 * @param height  cells of the map, at least one; `width` likewise
 * @throws ConfigError for sizes that are no whole numbers, or a shift that is no part of a window
 */
export function windowLayout(height: number, width: number, { window, shift = [0, 0] }: WindowOptions): WindowLayout {
  const sizes = [height, width, window];
  if (!sizes.every((size) => Number.isInteger(size) && size >= 1)) {
    throw new ConfigError(
      `windowLayout: a map of ${height}x${width} in windows of ${window}; expected whole numbers from 1.`,
    );
  }
  if (!shift.every((cells) => Number.isInteger(cells) && cells >= 0 && cells < window)) {
    throw new ConfigError(
      `windowLayout: shift is [${shift.join(", ")}], expected whole numbers from 0 to ${window - 1}.`,
    );
  }
  const axes = [axis(height, window, shift[0]), axis(width, window, shift[1])] as const;
  const windows = (axes[0].length / window) * (axes[1].length / window);
  const cells = window * window;
  const toWindows = new Int32Array(windows * cells);
  const toMap = new Int32Array(height * width);
  const regions = new Uint8Array(windows * cells);
  for (let i = 0; i < toWindows.length; i++) {
    const [row, column] = place(i, window, axes[1].length / window);
    const [y, x] = [axes[0].source[row], axes[1].source[column]];
    regions[i] = 3 * axes[0].region[row] + axes[1].region[column];
    toWindows[i] = y < height && x < width ? y * width + x : -1;
    if (toWindows[i] >= 0) toMap[toWindows[i]] = i;
  }
  return {
    height,
    width,
    window,
    windows,
    toWindows: fromArray(toWindows, [toWindows.length], "i32"),
    toMap: fromArray(toMap, [toMap.length], "i32"),
    mask: shift.some((cells) => cells > 0) ? regionMask(regions, cells) : null,
  };
}

/** Along one axis of the moved map: the cell that comes to each place, and which of three regions the place is in. */
function axis(size: number, window: number, shift: number): { length: number; source: number[]; region: number[] } {
  const length = Math.ceil(size / window) * window;
  const places = [...Array(length).keys()];
  return {
    length,
    source: places.map((at) => (at + shift) % length),
    region: places.map((at) => (shift === 0 || at < length - window ? 0 : at < length - shift ? 1 : 2)),
  };
}

/** Row and column in the moved map of cell i of the windows. */
function place(i: number, window: number, across: number): readonly [number, number] {
  const cells = window * window;
  const [which, cell] = [Math.floor(i / cells), i % cells];
  return [Math.floor(which / across) * window + Math.floor(cell / window), (which % across) * window + (cell % window)];
}

function regionMask(regions: Uint8Array, cells: number): Tensor {
  const mask = new Float32Array(regions.length * cells);
  for (let i = 0; i < regions.length; i++) {
    const first = i - (i % cells);
    for (let j = 0; j < cells; j++) if (regions[first + j] !== regions[i]) mask[i * cells + j] = APART;
  }
  return fromArray(mask, [regions.length / cells, cells, cells]);
}
