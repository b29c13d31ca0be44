// A register tile of six rows for the relaxed build. With a fused multiply-add, engines that keep the order of the source
// (Node 24, Deno) hold its twelve sums, two vectors of B and one of A in registers, and gain 6 % over four rows, since
// each number of B is loaded for six rows; others spill and lose half. So it is only used where a trial has shown that it
// pays (src/runtime/tall-tiles.ts). A sum has the same terms in the same order, and so the same bits, in both tiles.
import { put } from "./gemm_tile";
import { madd } from "./lanes";

/** Rows of three strips of A: two tiles, which share the strip in the middle. */
// @ts-ignore: decorator
@inline
export const TALL_ROWS: i32 = 12;

/** Address of a word in the page of the constants table: not zero where tiles of six rows are to be used. */
// @ts-ignore: decorator
@inline
export const TALL_TILES: usize = 512;

/** As tile_4x8 for twelve rows: three strips of A, stripBytes apart. */
export function tile_12x8(
  k: i32, a: usize, stripBytes: usize, b: usize, addend: usize, addendBytes: usize, c: usize, cBytes: usize,
): void {
  const middle = a + stripBytes;
  tile_6x8(k, a, middle, 4, b, addend, addendBytes, c, cBytes);
  const next = addend ? addend + 8 * addendBytes : 0;
  tile_6x8(k, middle + stripBytes, middle + 8, -2, b, next, addendBytes, c + 8 * cBytes, cBytes);
}

/** The four rows of a strip and two of another, whose results lie pairRow rows from those of the strip. */
function tile_6x8(
  k: i32, strip: usize, pair: usize, pairRow: i32, b: usize, addend: usize, addendBytes: usize, c: usize, cBytes: usize,
): void {
  let b0: v128, b1: v128, x: v128;
  let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00, c40 = c00, c50 = c00;
  let c01 = c00, c11 = c00, c21 = c00, c31 = c00, c41 = c00, c51 = c00;
  while (k > 0) {
    b0 = v128.load(b), b1 = v128.load(b, 16);
    x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
    x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
    if (k == 1) break;
    b0 = v128.load(b, 32), b1 = v128.load(b, 48);
    x = v128.load32_splat(strip, 16), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(strip, 20), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(strip, 24), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(strip, 28), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
    x = v128.load32_splat(pair, 16), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(pair, 20), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
    if (k == 2) break;
    b0 = v128.load(b, 64), b1 = v128.load(b, 80);
    x = v128.load32_splat(strip, 32), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(strip, 36), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(strip, 40), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(strip, 44), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
    x = v128.load32_splat(pair, 32), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(pair, 36), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
    if (k == 3) break;
    b0 = v128.load(b, 96), b1 = v128.load(b, 112);
    x = v128.load32_splat(strip, 48), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
    x = v128.load32_splat(strip, 52), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
    x = v128.load32_splat(strip, 56), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
    x = v128.load32_splat(strip, 60), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
    x = v128.load32_splat(pair, 48), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
    x = v128.load32_splat(pair, 52), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
    strip += 64, pair += 64, b += 128, k -= 4;
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
