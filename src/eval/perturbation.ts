import { ConfigError } from "../errors.js";
import { copyStrided } from "../ops/layout.js";
import { full, keep } from "../tensor/create.js";
import { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";

/** Keep the draws apart from other uses of a seed: "occl" and "shuf" in ASCII. */
const OCCLUSION_STREAM = 0x6f63636c;
const SHUFFLE_STREAM = 0x73687566;

/** Shares of dropped patches in percent, and grids of shuffled pieces (spec §7.9). */
export const OCCLUSION_PERCENT: readonly number[] = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90];
export const SHUFFLE_GRIDS: readonly Grid[] = [
  { rows: 2, cols: 2 },
  { rows: 2, cols: 4 },
  { rows: 4, cols: 4 },
  { rows: 4, cols: 8 },
  { rows: 8, cols: 8 },
  { rows: 14, cols: 14 },
  { rows: 16, cols: 16 },
];

/** Patches a side of the published images, 224 pixels wide. */
const PUBLISHED_SIDE = 14;

/** An image cut into equal pieces. */
export interface Grid {
  readonly rows: number;
  readonly cols: number;
}

/** A change of normalised images. */
export interface Perturbation {
  /** Such as "30" or "4x8". */
  readonly name: string;
  /**
   * @param images  [B, C, S, S]
   * @param batch  number of the batch, which names the draw
   * @returns changed images in memory of their own
   */
  apply(images: Tensor, batch: number): Tensor;
}

/** Whether an image can be cut so without a rest. */
export function divides({ rows, cols }: Grid, size: number): boolean {
  return size % rows === 0 && size % cols === 0;
}

/** The patches that are dropped from images of a size: 14 × 14 as published, else the most up to that which divide the size. */
export function occlusionGrid(size: number): Grid {
  let side = Math.min(PUBLISHED_SIDE, size);
  while (size % side !== 0) side--;
  return { rows: side, cols: side };
}

/**
 * Patches set to 0, the mean of normalised images: ⌊share · patches⌋ of them, the same ones for the images of a batch (Naseer et
 * al., 2021). The patches of a smaller share are among those of a larger one.
 *
 * @throws ConfigError if the grid does not divide the images
 */
export function occlusion(percent: number, grid: Grid, seed: number): Perturbation {
  const count = grid.rows * grid.cols;
  return {
    name: String(percent),
    apply(images, batch) {
      const pieceOf = pieces(images, grid);
      const order = new Rng(seed, OCCLUSION_STREAM, batch).permutation(count);
      const changed = keep(images);
      const zero = full([1], 0);
      const nothing = { ptr: zero.ptr, strides: [0, 0, 0, 0] };
      for (const n of order.subarray(0, Math.floor((count * percent) / 100))) {
        const piece = pieceOf(changed, n);
        copyStrided(piece.shape, nothing, piece, 0);
      }
      zero.dispose();
      return changed;
    },
  };
}

/**
 * The pieces of an image in random order, the same one for the images of a batch.
 *
 * @throws ConfigError if the grid does not divide the images
 */
export function shuffle(grid: Grid, seed: number): Perturbation {
  return {
    name: `${grid.rows}x${grid.cols}`,
    apply(images, batch) {
      const pieceOf = pieces(images, grid);
      const order = new Rng(seed, SHUFFLE_STREAM, grid.rows, grid.cols, batch).permutation(grid.rows * grid.cols);
      const changed = keep(images);
      order.forEach((from, to) => {
        const piece = pieceOf(changed, to);
        copyStrided(piece.shape, pieceOf(images, from), piece, 0);
      });
      return changed;
    },
  };
}

/** Piece n of images [B, C, S, S], counted row by row, as a view. */
function pieces({ shape }: Tensor, grid: Grid): (images: Tensor, n: number) => Tensor {
  const size = shape[2];
  const { rows, cols } = grid;
  if (!divides(grid, size)) {
    throw new ConfigError(`pieces: images of ${size} pixels cannot be cut into ${rows} × ${cols} equal ones.`);
  }
  const [height, width] = [size / rows, size / cols];
  return (images, n) => images.narrow(2, Math.floor(n / cols) * height, height).narrow(3, (n % cols) * width, width);
}
