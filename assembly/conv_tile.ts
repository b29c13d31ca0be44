// The register tile of convolutions: that of gemm_tile.ts, but its four rows of A lie as rows, at a fixed distance, so
// that what a pixel sees is copied into place and not woven with its neighbours.
import { madd } from "./lanes";

/** The most terms of a row. */
// @ts-ignore: decorator
@inline
export const ROW_TERMS: i32 = 384;

/** From one row to the next: an odd number of cache lines, so that rows spread over all sets of the cache. */
// @ts-ignore: decorator
@inline
export const ROW_BYTES: usize = 1600;

/** Eight numbers, plus the bias unless its address is 0, plus what is there if `add`. */
// @ts-ignore: decorator
@inline
function put(left: v128, right: v128, bias: usize, add: bool, to: usize): void {
  if (bias) {
    left = f32x4.add(left, v128.load(bias));
    right = f32x4.add(right, v128.load(bias, 16));
  }
  if (add) {
    left = f32x4.add(left, v128.load(to));
    right = f32x4.add(right, v128.load(to, 16));
  }
  v128.store(to, left);
  v128.store(to, right, 16);
}

/**
 * c_i[j] = Σ_p a[i, p]·b[p, j] (+ bias[j]) (+ c_i[j] if `add`) for four i and eight j; p ascends, every product and sum
 * is rounded
 *
 * a f32[4, k], rows ROW_BYTES apart; b f32[k, 8]. For the turns of the loop and its branches see tile_4x8.
 */
// @ts-ignore: decorator
@inline
export function tile_rows(
  k: i32, a: usize, b: usize, bias: usize, add: bool, y0: usize, y1: usize, y2: usize, y3: usize,
): void {
  let b0: v128, b1: v128, a0: v128, a1: v128, a2: v128, a3: v128;
  let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00;
  let c01 = c00, c11 = c00, c21 = c00, c31 = c00;
  while (k > 0) {
    b0 = v128.load(b), b1 = v128.load(b, 16), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, ROW_BYTES);
    a2 = v128.load32_splat(a, 2 * ROW_BYTES), a3 = v128.load32_splat(a, 3 * ROW_BYTES);
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 1) break;
    b0 = v128.load(b, 32), b1 = v128.load(b, 48), a0 = v128.load32_splat(a, 4), a1 = v128.load32_splat(a, ROW_BYTES + 4);
    a2 = v128.load32_splat(a, 2 * ROW_BYTES + 4), a3 = v128.load32_splat(a, 3 * ROW_BYTES + 4);
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 2) break;
    b0 = v128.load(b, 64), b1 = v128.load(b, 80), a0 = v128.load32_splat(a, 8), a1 = v128.load32_splat(a, ROW_BYTES + 8);
    a2 = v128.load32_splat(a, 2 * ROW_BYTES + 8), a3 = v128.load32_splat(a, 3 * ROW_BYTES + 8);
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 3) break;
    b0 = v128.load(b, 96), b1 = v128.load(b, 112), a0 = v128.load32_splat(a, 12), a1 = v128.load32_splat(a, ROW_BYTES + 12);
    a2 = v128.load32_splat(a, 2 * ROW_BYTES + 12), a3 = v128.load32_splat(a, 3 * ROW_BYTES + 12);
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 4) break;
    b0 = v128.load(b, 128), b1 = v128.load(b, 144), a0 = v128.load32_splat(a, 16), a1 = v128.load32_splat(a, ROW_BYTES + 16);
    a2 = v128.load32_splat(a, 2 * ROW_BYTES + 16), a3 = v128.load32_splat(a, 3 * ROW_BYTES + 16);
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 5) break;
    b0 = v128.load(b, 160), b1 = v128.load(b, 176), a0 = v128.load32_splat(a, 20), a1 = v128.load32_splat(a, ROW_BYTES + 20);
    a2 = v128.load32_splat(a, 2 * ROW_BYTES + 20), a3 = v128.load32_splat(a, 3 * ROW_BYTES + 20);
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 6) break;
    b0 = v128.load(b, 192), b1 = v128.load(b, 208), a0 = v128.load32_splat(a, 24), a1 = v128.load32_splat(a, ROW_BYTES + 24);
    a2 = v128.load32_splat(a, 2 * ROW_BYTES + 24), a3 = v128.load32_splat(a, 3 * ROW_BYTES + 24);
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 7) break;
    b0 = v128.load(b, 224), b1 = v128.load(b, 240), a0 = v128.load32_splat(a, 28), a1 = v128.load32_splat(a, ROW_BYTES + 28);
    a2 = v128.load32_splat(a, 2 * ROW_BYTES + 28), a3 = v128.load32_splat(a, 3 * ROW_BYTES + 28);
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    a += 32, b += 256, k -= 8;
  }
  put(c00, c01, bias, add, y0);
  put(c10, c11, bias, add, y1);
  put(c20, c21, bias, add, y2);
  put(c30, c31, bias, add, y3);
}
