import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import type { WeightGradient } from "./conv-product.js";
import { type Axis, denseOutputs, isThreeByThree, windowTensor, withTemporaries } from "./window.js";

/** Outputs of a panel and channels of a strip (assembly/pack.ts). */
const PANEL_COLUMNS = 8;
const STRIP_ROWS = 4;

/** The fewest output pixels, and the fewest of these times channels on both sides, from which tiles are faster than rows. */
const LEAST_PIXELS = 96;
const LEAST_WORK = 25_000;

/** What tiles are asked for: a convolution or a gradient of one. */
interface Size {
  readonly batch: number;
  readonly axes: readonly [Axis, Axis];
  readonly channels: number;
  readonly n: number;
}

/** Whether a gradient with respect to a weight goes by tiles of 2 × 2 outputs: 3 × 3 taps, stride 1, whole panels. */
export function gradientTilesPay({ batch, axes, channels, n }: Size): boolean {
  const pixels = batch * axes[0].outputs * axes[1].outputs;
  const enough = pixels >= LEAST_PIXELS && pixels * channels * n >= LEAST_WORK;
  return isThreeByThree(axes) && channels % STRIP_ROWS === 0 && n % PANEL_COLUMNS === 0 && enough;
}

/**
 * Numbers that a block of tiles may fill, transformed: 2 MiB, of which a product reads a sixteenth at a time. Half as many
 * are as fast on one thread, but threads would wait for one another twice as often.
 */
const BLOCK_NUMBERS = 1 << 19;
/** The fewest tiles of a block and the most: what is summed passes through memory once for each block. */
const LEAST_TILES = 128;
const MOST_TILES = 384;

/** Tiles of a block, a multiple of 8. */
function blockTiles(tiles: number, channels: number, n: number): number {
  const fitting = Math.floor(BLOCK_NUMBERS / (16 * (channels + n)));
  const limit = Math.min(MOST_TILES, Math.max(LEAST_TILES, fitting));
  const even = Math.ceil(tiles / Math.max(1, Math.ceil(tiles / limit)));
  return Math.ceil(even / 8) * 8;
}

/** dw = α·Σ_p dy[p]·seen(p) + β·dw by tiles (assembly/conv_winograd_grad.ts), where gradientTilesPay. */
export function weightGradientByTiles(call: WeightGradient): void {
  const { batch, axes, channels, n, x, pixel, dy, lddy, alpha, beta, dw } = call;
  const [rows, columns] = axes;
  const tiles = batch * Math.ceil(rows.outputs / 2) * Math.ceil(columns.outputs / 2);
  const block = blockTiles(tiles, channels, n);
  // An odd number of cache lines from place to place, so that the 16 places of a tile spread over all sets of the cache.
  const pitch = block + 4;
  withTemporaries(() => {
    const window = windowTensor(axes, pixel, denseOutputs(columns.outputs, rows.outputs, lddy)).ptr;
    const seen = empty([16 * channels * pitch]).ptr;
    const spread = empty([16 * n * pitch]).ptr;
    const sums = empty([16 * channels * n]).ptr;
    for (let first = 0; first < tiles; first += block) {
      const count = Math.min(block, tiles - first);
      kernels.conv_winograd_seen_f32(count, channels, first, pitch, window, x, seen);
      kernels.conv_winograd_spread_f32(count, n, first, pitch, window, dy, spread);
      const parts = (16 * n) / PANEL_COLUMNS;
      kernels.conv_winograd_products_f32(parts, n, channels, count, pitch, seen, spread, first > 0 ? 1 : 0, sums);
    }
    const { ptr, out, in: step, row, column } = dw;
    const panels = n / PANEL_COLUMNS;
    kernels.conv_winograd_grad_weight_f32(panels, n, channels, alpha, sums, beta, ptr, out, step, row, column);
  });
}
