import { ShapeError } from "../errors.js";
import { gatherRows } from "../ops/gather.js";
import { contiguous, copyStrided } from "../ops/layout.js";
import { empty } from "../tensor/create.js";
import { denseStrides, formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/**
 * The grid on which masks are drawn and patch tokens compared, of a backbone whose last map is coarser: each cell of that
 * map is `scale`² patches.
 */
export interface TokenGrid {
  readonly batch: number;
  /** Cells of the last map. */
  readonly height: number;
  readonly width: number;
  /** Patches per cell, along each axis. */
  readonly scale: number;
}

/** Patches of one image. */
export const patchesOf = ({ height, width, scale }: TokenGrid) => height * width * scale * scale;

/** For patches numbered over [B·N], the cells over [B·height·width] that they are in. */
export function cellsOf(patches: Int32Array, grid: TokenGrid): Int32Array {
  const { height, width, scale } = grid;
  const perImage = patchesOf(grid);
  return patches.map((patch) => {
    const [image, at] = [Math.floor(patch / perImage), patch % perImage];
    const [row, column] = [Math.floor(at / (width * scale)), at % (width * scale)];
    return (image * height + Math.floor(row / scale)) * width + Math.floor(column / scale);
  });
}

/** Features of all patches, each that of its cell: cells [B·height·width, F] to patches [B, N, F]. */
export function patchTokens(cells: Tensor, grid: TokenGrid): Tensor {
  const count = patchesOf(grid);
  const all = Int32Array.from({ length: grid.batch * count }, (_, patch) => patch);
  return gatherRows(cells, cellsOf(all, grid)).reshape([grid.batch, count, cells.shape[1]]);
}

/**
 * Masks of patches on a finer map, whose cells at the right and below may be cut off.
 *
 * @param masks   i32 [B, N]
 * @param factor  cells of the finer map per patch, along each axis
 * @returns i32 [B, height, width]
 * @throws ShapeError if masks are not of the grid
 */
export function masksOnMap(
  masks: Tensor,
  grid: TokenGrid,
  { factor, height, width }: { factor: number; height: number; width: number },
): Tensor {
  const [rows, columns] = [grid.height * grid.scale, grid.width * grid.scale];
  if (formatShape(masks.shape) !== formatShape([grid.batch, rows * columns])) {
    throw new ShapeError(
      `masks are ${formatShape(masks.shape)}, expected [${grid.batch}, ${rows * columns}], a grid of ${rows}x${columns} patches.`,
    );
  }
  const finer = empty([grid.batch, rows * factor, columns * factor], "i32");
  const dense = contiguous(masks);
  const shape = [grid.batch * rows, factor, columns, factor];
  const to = { ptr: finer.ptr, strides: denseStrides(shape) };
  copyStrided(shape, { ptr: dense.ptr, strides: [columns, 0, 1, 0] }, to, 0);
  return contiguous(finer.narrow(1, 0, height).narrow(2, 0, width));
}
