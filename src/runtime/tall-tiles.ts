import type { Heap } from "./heap.js";
import type { RawKernel } from "./kernels.js";

/** Address of the word that products and attention of the relaxed build look at (assembly/gemm_tile_tall.ts). */
const TALL_TILES = 512;
/** The trial ends when neither tile has gained much for so long. */
const STEADY_MS = 15;
const LONGEST_TRIAL_MS = 50;
/** Engines compile a kernel again as it runs, for at least so many times the speed. Until then a tile says little. */
const COMPILED_GAIN = 2;
/** Six rows gain some percent, or lose half where they spill. If it seems more, one tile has not been compiled again yet. */
const PLAUSIBLE_GAIN = { least: 0.4, most: 2 };
/** V8 keeps the order of the source since some version between those of Node 22, 12.4, and of Node 24. */
const KEEPS_ORDER_SINCE_V8 = 13.6;
/** Gains above which six rows are used: of those engines a busy host hides the gain, but not a loss by spilling. */
const LEAST_GAIN = { keepsOrder: 0.8, unknown: 1 };
/** A product that keeps to the first cache. */
const [ROWS, TERMS, COLUMNS] = [132, 96, 16];

/** Makes products and attention of the relaxed build use register tiles of six rows, or of four. The bits are the same. */
export function useTallTiles(heap: Heap, tall: boolean): void {
  heap.i32[TALL_TILES >> 2] = Number(tall);
}

/**
 * Finds out by trial which register tile this engine runs faster, and makes the relaxed build use it: engines with
 * registers for six rows gain some percent, the others would lose half. A host so busy that it has not compiled both well
 * in the time of a trial is judged by the version of its engine.
 *
 * @param scratch  address of 4 MiB of working memory
 * @param clock  the time in milliseconds
 * @returns whether tiles of six rows are used
 */
export function chooseTiles(heap: Heap, gemm: RawKernel, scratch: number, clock = () => performance.now()): boolean {
  const [a, packed, c] = [1, 2, 3].map((mib) => scratch + (mib << 20));
  const firstMs = [0, 0];
  const fastestMs = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const gain = () => fastestMs[0] / fastestMs[1];
  const plausible = () => gain() >= PLAUSIBLE_GAIN.least && gain() <= PLAUSIBLE_GAIN.most;
  const compiled = () => fastestMs.every((ms, tile) => COMPILED_GAIN * ms < firstMs[tile]);
  const start = clock();
  let [now, steadySince] = [start, start];
  while (now - start < LONGEST_TRIAL_MS && !(now - steadySince >= STEADY_MS && compiled() && plausible())) {
    for (const tall of [0, 1]) {
      useTallTiles(heap, tall === 1);
      const before = clock();
      for (let i = 0; i < 8; i++)
        gemm(ROWS, COLUMNS, TERMS, 1, a, TERMS, 1, packed, 0, 0, c, COLUMNS, scratch, 0, ROWS);
      now = clock();
      firstMs[tall] ||= now - before;
      if (now - before < 0.8 * fastestMs[tall]) steadySince = now;
      fastestMs[tall] = Math.min(fastestMs[tall], now - before);
    }
  }
  const leastGain = keepsOrder() ? LEAST_GAIN.keepsOrder : LEAST_GAIN.unknown;
  const tall = compiled() && plausible() ? gain() > leastGain : keepsOrder();
  useTallTiles(heap, tall);
  return tall;
}

function keepsOrder(): boolean {
  const { process } = globalThis as { process?: { versions?: { v8?: string } } };
  return Number.parseFloat(process?.versions?.v8 ?? "0") >= KEEPS_ORDER_SINCE_V8;
}
