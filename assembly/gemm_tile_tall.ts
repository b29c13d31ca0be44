// Register tiles of six rows for the relaxed build. With a fused multiply-add, engines that keep the order of the source
// (Node 24, Deno) hold the twelve sums, two vectors of B and one of A in registers, and gain 6 % over four rows, since
// each number of B is loaded for six rows; others spill and lose half. So they are only used where a trial has shown that
// they pay (src/runtime/tall-tiles.ts). One call computes tile after tile, since its many arguments would cost 1 % of each.
// A sum has the same terms in the same order, and so the same bits, in every tile.
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
 * c[i, j] = start[i] + Σ_p a[p, i]·b[p, j] + addend[i, j] for twelve i and eight j, as tile_4x8, and each of `tiles`
 *
 * The rows of a stand in three strips of four, whose next p lies stepBytes on. Tiles take their strips aBytes, b bBytes
 * and c tileBytes from those before, and addend twelve rows on. `start` is 0 for sums that start at 0; without addend,
 * addendBytes is 0. Four steps make one turn of the loops of this file, with a branch after each as in tile_4x8.
 */
export function tiles_12x8(
  tiles: i32, k: i32, strip0: usize, strip1: usize, strip2: usize, stepBytes: usize, aBytes: usize, b: usize,
  bBytes: usize, start: usize, addend: usize, addendBytes: usize, c: usize, tileBytes: usize, cBytes: usize,
): void {
  for (let halves = tiles << 1; halves > 0; halves--) {
    // Four rows of the first strip and two of the second, then four of the third and the other two of the second.
    const upper = (halves & 1) == 0;
    let strip = upper ? strip0 : strip2;
    let pair = upper ? strip1 : strip1 + 8;
    const pairRow: usize = upper ? 4 : -2;
    let b0: v128, b1: v128, x: v128;
    let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00, c40 = c00, c50 = c00;
    if (start) {
      const at = upper ? start : start + 32;
      const startPair = at + (pairRow << 2);
      c00 = v128.load32_splat(at), c10 = v128.load32_splat(at, 4), c20 = v128.load32_splat(at, 8);
      c30 = v128.load32_splat(at, 12), c40 = v128.load32_splat(startPair), c50 = v128.load32_splat(startPair, 4);
    }
    let c01 = c00, c11 = c10, c21 = c20, c31 = c30, c41 = c40, c51 = c50;
    for (let steps = k, bk = b; steps > 0; steps -= 4, bk += 128) {
      b0 = v128.load(bk), b1 = v128.load(bk, 16);
      x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
      x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
      x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
      x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), strip += stepBytes;
      x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
      x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1), pair += stepBytes;
      if (steps == 1) break;
      b0 = v128.load(bk, 32), b1 = v128.load(bk, 48);
      x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
      x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
      x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
      x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), strip += stepBytes;
      x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
      x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1), pair += stepBytes;
      if (steps == 2) break;
      b0 = v128.load(bk, 64), b1 = v128.load(bk, 80);
      x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
      x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
      x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
      x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), strip += stepBytes;
      x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
      x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1), pair += stepBytes;
      if (steps == 3) break;
      b0 = v128.load(bk, 96), b1 = v128.load(bk, 112);
      x = v128.load32_splat(strip), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
      x = v128.load32_splat(strip, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
      x = v128.load32_splat(strip, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
      x = v128.load32_splat(strip, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), strip += stepBytes;
      x = v128.load32_splat(pair), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
      x = v128.load32_splat(pair, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1), pair += stepBytes;
    }
    let to = upper ? c : c + 8 * cBytes;
    let from = upper ? addend : addend + 8 * addendBytes;
    const toPair = to + pairRow * cBytes;
    const fromPair = from + pairRow * addendBytes;
    put(c00, c01, from, to), from += addendBytes, to += cBytes;
    put(c10, c11, from, to), from += addendBytes, to += cBytes;
    put(c20, c21, from, to), from += addendBytes, to += cBytes;
    put(c30, c31, from, to);
    put(c40, c41, fromPair, toPair);
    put(c50, c51, fromPair + addendBytes, toPair + cBytes);
    if (upper) continue;
    strip0 += aBytes, strip1 += aBytes, strip2 += aBytes, b += bBytes, c += tileBytes, addend += 12 * addendBytes;
  }
}

/**
 * c[i, j] = Σ_p a[i, p]·b[p, j] + addend[i, j] for eight j and the rows that fill tiles of six, as tile_4x8
 *
 * a is not packed: numbers of a row lie side by side, rows rowBytes apart. Without addend, addendBytes is 0.
 */
export function tiles_6x8_of_rows(
  rows: i32, k: i32, a: usize, rowBytes: usize, b: usize, addend: usize, addendBytes: usize, c: usize, cBytes: usize,
): void {
  for (; rows >= 6; rows -= 6, a += 6 * rowBytes) {
    let b0: v128, b1: v128, x: v128;
    let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00, c40 = c00, c50 = c00;
    let c01 = c00, c11 = c00, c21 = c00, c31 = c00, c41 = c00, c51 = c00;
    let a0 = a, a1 = a + rowBytes, a2 = a1 + rowBytes, a3 = a2 + rowBytes, a4 = a3 + rowBytes, a5 = a4 + rowBytes;
    for (let steps = k, bk = b; steps > 0; steps -= 4, bk += 128) {
      b0 = v128.load(bk), b1 = v128.load(bk, 16);
      x = v128.load32_splat(a0), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
      x = v128.load32_splat(a1), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
      x = v128.load32_splat(a2), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
      x = v128.load32_splat(a3), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
      x = v128.load32_splat(a4), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
      x = v128.load32_splat(a5), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
      if (steps == 1) break;
      b0 = v128.load(bk, 32), b1 = v128.load(bk, 48);
      x = v128.load32_splat(a0, 4), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
      x = v128.load32_splat(a1, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
      x = v128.load32_splat(a2, 4), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
      x = v128.load32_splat(a3, 4), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
      x = v128.load32_splat(a4, 4), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
      x = v128.load32_splat(a5, 4), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
      if (steps == 2) break;
      b0 = v128.load(bk, 64), b1 = v128.load(bk, 80);
      x = v128.load32_splat(a0, 8), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
      x = v128.load32_splat(a1, 8), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
      x = v128.load32_splat(a2, 8), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
      x = v128.load32_splat(a3, 8), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
      x = v128.load32_splat(a4, 8), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
      x = v128.load32_splat(a5, 8), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
      if (steps == 3) break;
      b0 = v128.load(bk, 96), b1 = v128.load(bk, 112);
      x = v128.load32_splat(a0, 12), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1);
      x = v128.load32_splat(a1, 12), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1);
      x = v128.load32_splat(a2, 12), c20 = madd(c20, x, b0), c21 = madd(c21, x, b1);
      x = v128.load32_splat(a3, 12), c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
      x = v128.load32_splat(a4, 12), c40 = madd(c40, x, b0), c41 = madd(c41, x, b1);
      x = v128.load32_splat(a5, 12), c50 = madd(c50, x, b0), c51 = madd(c51, x, b1);
      a0 += 16, a1 += 16, a2 += 16, a3 += 16, a4 += 16, a5 += 16;
    }
    put(c00, c01, addend, c), addend += addendBytes, c += cBytes;
    put(c10, c11, addend, c), addend += addendBytes, c += cBytes;
    put(c20, c21, addend, c), addend += addendBytes, c += cBytes;
    put(c30, c31, addend, c), addend += addendBytes, c += cBytes;
    put(c40, c41, addend, c), addend += addendBytes, c += cBytes;
    put(c50, c51, addend, c), addend += addendBytes, c += cBytes;
  }
}
