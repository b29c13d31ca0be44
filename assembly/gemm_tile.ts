// The register tile of the matrix products: four rows by eight columns of C in eight vectors, two vectors of B, four of
// A and a temporary. That fills the registers which an engine has to give; larger tiles spill and halve the rate.
import { madd } from "./lanes";

/** Writes eight numbers, plus those at `addend` unless that is 0. */
// @ts-ignore: decorator
@inline
export function put(left: v128, right: v128, addend: usize, to: usize): void {
  if (addend) {
    left = f32x4.add(left, v128.load(addend));
    right = f32x4.add(right, v128.load(addend, 16));
  }
  v128.store(to, left);
  v128.store(to, right, 16);
}

/**
 * c[i, j] = Σ_p a[p, i]·b[p, j] + addend[i, j] for four i and eight j; p ascends, rounding as in madd
 *
 * a f32[k, 4] and b f32[k, 8] are packed. Rows of c are cBytes apart, rows of addend addendBytes; addend may be c, or 0
 * for nothing to add.
 *
 * Sixteen steps of k make one turn of the loop, with a branch after each. Without the branches the compilers move every
 * load of a turn to its start, run out of registers and halve the rate; with one step to a turn Node 20 loses 15 %, with
 * eight 2 %. Node 24 keeps the order of the source, and is 5 % faster down the columns of the tile than along its rows.
 * `a` moves at each step since Node 20 spends an instruction on every offset of a load that repeats one number.
 */
// @ts-ignore: decorator
@inline
export function tile_4x8(k: i32, a: usize, b: usize, addend: usize, addendBytes: usize, c: usize, cBytes: usize): void {
  let b0: v128, b1: v128, a0: v128, a1: v128, a2: v128, a3: v128;
  let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00;
  let c01 = c00, c11 = c00, c21 = c00, c31 = c00;
  while (k > 0) {
    b0 = v128.load(b), b1 = v128.load(b, 16), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 1) break;
    b0 = v128.load(b, 32), b1 = v128.load(b, 48), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 2) break;
    b0 = v128.load(b, 64), b1 = v128.load(b, 80), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 3) break;
    b0 = v128.load(b, 96), b1 = v128.load(b, 112), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 4) break;
    b0 = v128.load(b, 128), b1 = v128.load(b, 144), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 5) break;
    b0 = v128.load(b, 160), b1 = v128.load(b, 176), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 6) break;
    b0 = v128.load(b, 192), b1 = v128.load(b, 208), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 7) break;
    b0 = v128.load(b, 224), b1 = v128.load(b, 240), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 8) break;
    b0 = v128.load(b, 256), b1 = v128.load(b, 272), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 9) break;
    b0 = v128.load(b, 288), b1 = v128.load(b, 304), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 10) break;
    b0 = v128.load(b, 320), b1 = v128.load(b, 336), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 11) break;
    b0 = v128.load(b, 352), b1 = v128.load(b, 368), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 12) break;
    b0 = v128.load(b, 384), b1 = v128.load(b, 400), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 13) break;
    b0 = v128.load(b, 416), b1 = v128.load(b, 432), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 14) break;
    b0 = v128.load(b, 448), b1 = v128.load(b, 464), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 15) break;
    b0 = v128.load(b, 480), b1 = v128.load(b, 496), a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
    a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12), a += 16;
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    b += 512, k -= 16;
  }
  const next = addend ? addendBytes : 0;
  put(c00, c01, addend, c), addend += next, c += cBytes;
  put(c10, c11, addend, c), addend += next, c += cBytes;
  put(c20, c21, addend, c), addend += next, c += cBytes;
  put(c30, c31, addend, c);
}
