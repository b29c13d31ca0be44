// Register tiles of six rows for the relaxed build. With a fused multiply-add, engines that keep the order of the source
// (Node 24, Deno) hold the twelve sums, two vectors of B and one of A in registers, and gain 6 % over four rows, since
// each number of B is loaded for six rows; others spill and lose half. So they are only used where a trial has shown that
// they pay (src/runtime/tall-tiles.ts). A sum has the same terms in the same order, and so the same bits, in every tile.
import { put } from "./gemm_tile";
import { madd } from "./lanes";

/** Rows of three strips of A: two tiles, which share the strip in the middle. */
// @ts-ignore: decorator
@inline
export const TALL_ROWS: i32 = 12;

/** Address of a word in the page of the constants table: not zero where tiles of six rows are to be used. */
// @ts-ignore: decorator
@inline
const TALL_TILES: usize = 512;

/** Whether tiles of six rows are to be used; in the plain build it is known to the compiler that they are not. */
// @ts-ignore: decorator
@inline
export function uses_tall_tiles(): bool {
  return ASC_FEATURE_RELAXED_SIMD && load<i32>(TALL_TILES) != 0;
}

/**
 * c[i, j] = start[i] + Σ_p a[p, i]·b[p, j] + addend[i, j] for twelve i and eight j, as tile_4x8
 *
 * The rows of a stand in three strips of four, whose next p lies stepBytes on; `start` is 0 for sums that start at 0.
 * Eight steps make one turn of the loops of this file, with a branch after each as in tile_4x8.
 */
export function tile_12x8(
  k: i32, strip0: usize, strip1: usize, strip2: usize, stepBytes: usize, b: usize, start: usize, addend: usize,
  addendBytes: usize, c: usize, cBytes: usize,
): void {
  tile_6x8(k, strip0, strip1, 4, stepBytes, b, start, addend, addendBytes, c, cBytes);
  const nextStart = start ? start + 32 : 0;
  const nextAddend = addend ? addend + 8 * addendBytes : 0;
  tile_6x8(k, strip2, strip1 + 8, -2, stepBytes, b, nextStart, nextAddend, addendBytes, c + 8 * cBytes, cBytes);
}

/** The four rows of a strip and two of another, whose results lie pairRow rows from those of the strip. */
function tile_6x8(
  k: i32, strip: usize, pair: usize, pairRow: i32, stepBytes: usize, b: usize, start: usize, addend: usize,
  addendBytes: usize, c: usize, cBytes: usize,
): void {
  let b0: v128, b1: v128, x: v128;
  let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00, c40 = c00, c50 = c00;
  if (start) {
    const startPair = start + (<usize>pairRow << 2);
    c00 = v128.load32_splat(start), c10 = v128.load32_splat(start, 4), c20 = v128.load32_splat(start, 8);
    c30 = v128.load32_splat(start, 12), c40 = v128.load32_splat(startPair), c50 = v128.load32_splat(startPair, 4);
  }
  let c01 = c00, c11 = c10, c21 = c20, c31 = c30, c41 = c40, c51 = c50;
  while (k > 0) {
    b0 = v128.load(b), b1 = v128.load(b, 16);
    x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), strip += stepBytes;
    x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1), pair += stepBytes;
    if (k == 1) break;
    b0 = v128.load(b, 32), b1 = v128.load(b, 48);
    x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), strip += stepBytes;
    x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1), pair += stepBytes;
    if (k == 2) break;
    b0 = v128.load(b, 64), b1 = v128.load(b, 80);
    x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), strip += stepBytes;
    x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1), pair += stepBytes;
    if (k == 3) break;
    b0 = v128.load(b, 96), b1 = v128.load(b, 112);
    x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), strip += stepBytes;
    x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1), pair += stepBytes;
    if (k == 4) break;
    b0 = v128.load(b, 128), b1 = v128.load(b, 144);
    x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), strip += stepBytes;
    x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1), pair += stepBytes;
    if (k == 5) break;
    b0 = v128.load(b, 160), b1 = v128.load(b, 176);
    x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), strip += stepBytes;
    x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1), pair += stepBytes;
    if (k == 6) break;
    b0 = v128.load(b, 192), b1 = v128.load(b, 208);
    x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), strip += stepBytes;
    x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1), pair += stepBytes;
    if (k == 7) break;
    b0 = v128.load(b, 224), b1 = v128.load(b, 240);
    x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), strip += stepBytes;
    x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1), pair += stepBytes;
    b += 256, k -= 8;
  }
  const next = addend ? addendBytes : 0;
  const addendPair = addend + next * <usize>pairRow;
  put(c00, c01, addend, c);
  put(c10, c11, addend + next, c + cBytes);
  put(c20, c21, addend + 2 * next, c + 2 * cBytes);
  put(c30, c31, addend + 3 * next, c + 3 * cBytes);
  c += cBytes * <usize>pairRow;
  put(c40, c41, addendPair, c);
  put(c50, c51, addendPair + next, c + cBytes);
}

/**
 * c[i, j] = Σ_p a[i, p]·b[p, j] + addend[i, j] for six i and eight j, as tile_4x8
 *
 * a is not packed: numbers of a row lie side by side, rows rowBytes apart.
 */
export function tile_6x8_of_rows(
  k: i32, a: usize, rowBytes: usize, b: usize, addend: usize, addendBytes: usize, c: usize, cBytes: usize,
): void {
  let b0: v128, b1: v128, x: v128;
  let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00, c40 = c00, c50 = c00;
  let c01 = c00, c11 = c00, c21 = c00, c31 = c00, c41 = c00, c51 = c00;
  let a1 = a + rowBytes, a2 = a1 + rowBytes, a3 = a2 + rowBytes, a4 = a3 + rowBytes, a5 = a4 + rowBytes;
  while (k > 0) {
    b0 = v128.load(b), b1 = v128.load(b, 16);
    x = v128.load32_splat(a), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(a1), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(a2), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(a3), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
    x = v128.load32_splat(a4), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(a5), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
    if (k == 1) break;
    b0 = v128.load(b, 32), b1 = v128.load(b, 48);
    x = v128.load32_splat(a, 4), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(a1, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(a2, 4), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(a3, 4), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
    x = v128.load32_splat(a4, 4), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(a5, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
    if (k == 2) break;
    b0 = v128.load(b, 64), b1 = v128.load(b, 80);
    x = v128.load32_splat(a, 8), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(a1, 8), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(a2, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(a3, 8), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
    x = v128.load32_splat(a4, 8), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(a5, 8), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
    if (k == 3) break;
    b0 = v128.load(b, 96), b1 = v128.load(b, 112);
    x = v128.load32_splat(a, 12), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(a1, 12), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(a2, 12), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(a3, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
    x = v128.load32_splat(a4, 12), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(a5, 12), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
    if (k == 4) break;
    b0 = v128.load(b, 128), b1 = v128.load(b, 144);
    x = v128.load32_splat(a, 16), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(a1, 16), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(a2, 16), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(a3, 16), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
    x = v128.load32_splat(a4, 16), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(a5, 16), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
    if (k == 5) break;
    b0 = v128.load(b, 160), b1 = v128.load(b, 176);
    x = v128.load32_splat(a, 20), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(a1, 20), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(a2, 20), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(a3, 20), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
    x = v128.load32_splat(a4, 20), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(a5, 20), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
    if (k == 6) break;
    b0 = v128.load(b, 192), b1 = v128.load(b, 208);
    x = v128.load32_splat(a, 24), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(a1, 24), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(a2, 24), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(a3, 24), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
    x = v128.load32_splat(a4, 24), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(a5, 24), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
    if (k == 7) break;
    b0 = v128.load(b, 224), b1 = v128.load(b, 240);
    x = v128.load32_splat(a, 28), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(a1, 28), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(a2, 28), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(a3, 28), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
    x = v128.load32_splat(a4, 28), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(a5, 28), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
    a += 32, a1 += 32, a2 += 32, a3 += 32, a4 += 32, a5 += 32, b += 256, k -= 8;
  }
  const next = addend ? addendBytes : 0;
  put(c00, c01, addend, c), addend += next, c += cBytes;
  put(c10, c11, addend, c), addend += next, c += cBytes;
  put(c20, c21, addend, c), addend += next, c += cBytes;
  put(c30, c31, addend, c), addend += next, c += cBytes;
  put(c40, c41, addend, c), addend += next, c += cBytes;
  put(c50, c51, addend, c);
}
