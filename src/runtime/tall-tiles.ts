import type { Heap } from "./heap.js";
import type { RawKernel } from "./kernels.js";

/** Address of the word that gemm_f32 of the relaxed build looks at (assembly/gemm_tile_tall.ts). */
const TALL_TILES = 512;
/** Engines compile a kernel again, better, as it runs: the trial ends when neither tile has gained much for so long. */
const STEADY_MS = 20;
const LONGEST_TRIAL_MS = 250;
/** Six rows may gain a little. If they seem to gain more, four have not been compiled well yet. */
const PLAUSIBLE_GAIN = 1.25;
/** A product that keeps to the first cache. */
const [ROWS, TERMS, COLUMNS] = [132, 96, 16];

/** Makes products of the relaxed build use register tiles of six rows, or of four. The bits are the same. */
export function useTallTiles(heap: Heap, tall: boolean): void {
  heap.i32[TALL_TILES >> 2] = Number(tall);
}

/**
 * Finds out by trial which register tile this engine runs faster, and makes the relaxed build use it: engines with
 * registers for six rows gain some percent, the others would lose half.
 *
 * @param scratch  address of 4 MiB of working memory
 * @returns whether tiles of six rows are used
 */
export function chooseTiles(heap: Heap, gemm: RawKernel, scratch: number): boolean {
  const [a, packed, c] = [1, 2, 3].map((mib) => scratch + (mib << 20));
  const fastestMs = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const gain = () => fastestMs[0] / fastestMs[1];
  const start = performance.now();
  let [now, steadySince] = [start, start];
  while (now - start < LONGEST_TRIAL_MS && (now - steadySince < STEADY_MS || gain() > PLAUSIBLE_GAIN)) {
    for (const tall of [0, 1]) {
      useTallTiles(heap, tall === 1);
      const before = performance.now();
      for (let i = 0; i < 8; i++)
        gemm(ROWS, COLUMNS, TERMS, 1, a, TERMS, 1, packed, 0, 0, c, COLUMNS, scratch, 0, ROWS);
      now = performance.now();
      if (now - before < 0.8 * fastestMs[tall]) steadySince = now;
      fastestMs[tall] = Math.min(fastestMs[tall], now - before);
    }
  }
  const tall = gain() > 1 && gain() <= PLAUSIBLE_GAIN;
  useTallTiles(heap, tall);
  return tall;
}
