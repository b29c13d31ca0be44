// What the two attention kernels share: row blocks, packing, and products in register tiles. Matrices are row-major; a pitch
// is the distance from one row to the next in bytes. Attention keeps scores transposed, one row per key with the queries
// side by side: then a softmax runs down the columns, four queries to a vector, without a horizontal step or a tail, and
// both products that follow read the same matrix, one along its rows and one down its columns. The strip and panel layout
// of gemm_tile.ts would need it twice, so the tiles here walk plain rows; a tile has the same 4 × 8 accumulators.

/** Kernels keep scores times log₂(e), so that probabilities are powers of two, which saves a product for each. */
// @ts-ignore: decorator
@inline
export const LOG2_E: f32 = 1.4426950408889634;

/** The most queries in a block; their scores against all keys should stay in the second cache. */
// @ts-ignore: decorator
@inline
const MAX_BLOCK: i32 = 56;

/** Queries in each block but the last: a multiple of 8, and such that the blocks of one item are about equal. */
export function block_rows(tokens: i32): i32 {
  const blocks = max(1, (tokens + MAX_BLOCK - 1) / MAX_BLOCK);
  return ((tokens + blocks - 1) / blocks + 7) & ~7;
}

/** Bytes from one packed row to the next: whole vectors of 8, and no power of two, whose multiples share few cache sets. */
export function packed_pitch(dim: i32): usize {
  const columns = (dim + 7) & ~7;
  return <usize>(columns & 8 ? columns : columns + 8) << 2;
}

/** dst[r] = scale · src[r] for rows of `dim` numbers. */
export function pack_rows(
  rows: i32, dim: i32, scale: f32, src: usize, srcPitch: usize, dst: usize, dstPitch: usize,
): void {
  const factor = f32x4.splat(scale);
  const whole = <usize>(dim & ~3) << 2;
  const stop = <usize>dim << 2;
  for (; rows > 0; rows--, src += srcPitch, dst += dstPitch) {
    let at: usize = 0;
    for (; at < whole; at += 16) v128.store(dst + at, f32x4.mul(factor, v128.load(src + at)));
    for (; at < stop; at += 4) store<f32>(dst + at, scale * load<f32>(src + at));
  }
}

/** dst[c][r] = scale · src[r][c], for r up to the next multiple of 4, where the last row is repeated. */
export function pack_columns(
  rows: i32, dim: i32, scale: f32, src: usize, srcPitch: usize, dst: usize, dstPitch: usize,
): void {
  const factor = f32x4.splat(scale);
  const pitch2 = dstPitch << 1;
  const last = src + <usize>(rows - 1) * srcPitch;
  for (; rows > 0; rows -= 4, src += srcPitch << 2, dst += 16) {
    let r0 = src;
    let r1 = min(src + srcPitch, last);
    let r2 = min(src + (srcPitch << 1), last);
    let r3 = min(src + srcPitch * 3, last);
    let to = dst;
    for (const whole = src + (<usize>(dim & ~3) << 2); r0 < whole; r0 += 16, r1 += 16, r2 += 16, r3 += 16) {
      const a = f32x4.mul(factor, v128.load(r0));
      const b = f32x4.mul(factor, v128.load(r1));
      const c = f32x4.mul(factor, v128.load(r2));
      const d = f32x4.mul(factor, v128.load(r3));
      const abLow = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const cdLow = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<i64>(abLow, cdLow, 0, 2));
      v128.store(to + dstPitch, v128.shuffle<i64>(abLow, cdLow, 1, 3));
      v128.store(to + pitch2, v128.shuffle<i64>(abHigh, cdHigh, 0, 2));
      v128.store(to + pitch2 + dstPitch, v128.shuffle<i64>(abHigh, cdHigh, 1, 3));
      to += pitch2 << 1;
    }
    for (let left = dim & 3; left > 0; left--, r0 += 4, r1 += 4, r2 += 4, r3 += 4, to += dstPitch) {
      store<f32>(to, scale * load<f32>(r0));
      store<f32>(to, scale * load<f32>(r1), 4);
      store<f32>(to, scale * load<f32>(r2), 8);
      store<f32>(to, scale * load<f32>(r3), 12);
    }
  }
}

/** acc + x·y */
// @ts-ignore: decorator
@inline
function madd(acc: v128, x: v128, y: v128): v128 {
  return f32x4.add(acc, f32x4.mul(x, y));
}

/** Eight numbers of C, added to what is there if `accumulate`. */
// @ts-ignore: decorator
@inline
function put(left: v128, right: v128, accumulate: bool, to: usize): void {
  if (accumulate) {
    left = f32x4.add(left, v128.load(to));
    right = f32x4.add(right, v128.load(to, 16));
  }
  v128.store(to, left);
  v128.store(to, right, 16);
}

/** The first `columns` of eight numbers of C. */
function put_part(left: v128, right: v128, accumulate: bool, to: usize, columns: i32): void {
  if (columns >= 8) return put(left, right, accumulate, to);
  for (; columns > 0; columns--, to += 4) {
    const value = f32x4.extract_lane(left, 0);
    store<f32>(to, accumulate ? value + load<f32>(to) : value);
    left = v128.shuffle<f32>(left, right, 1, 2, 3, 4);
    right = v128.shuffle<f32>(right, right, 1, 2, 3, 0);
  }
}

/** The part of a tile that lies inside C: `rows` of four and `columns` of eight, or all where there are more. */
function put_edge(
  c00: v128, c01: v128, c10: v128, c11: v128, c20: v128, c21: v128, c30: v128, c31: v128,
  accumulate: bool, to: usize, pitch: usize, rows: i32, columns: i32,
): void {
  put_part(c00, c01, accumulate, to, columns);
  if (rows > 1) put_part(c10, c11, accumulate, to + pitch, columns);
  if (rows > 2) put_part(c20, c21, accumulate, to + (pitch << 1), columns);
  if (rows > 3) put_part(c30, c31, accumulate, to + pitch * 3, columns);
}

/**
 * C = A·B, or C += A·B          A [m, k], B [k, n], C [m, n]
 *
 * Reads A up to the next multiple of 4 rows and B of 8 columns; what lies there does not matter. Writes nothing outside C.
 * Four steps of k make one turn of the loop, with a branch after each: see gemm_tile.ts.
 */
export function product(
  m: i32, n: i32, k: i32, a: usize, aPitch: usize, b: usize, bPitch: usize, accumulate: bool, c: usize, cPitch: usize,
): void {
  for (; m > 0; m -= 4, a += aPitch << 2, c += cPitch << 2) {
    for (let j = 0; j < n; j += 8) {
      let b0: v128, b1: v128, x: v128;
      let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00;
      let c01 = c00, c11 = c00, c21 = c00, c31 = c00;
      let ak = a;
      let bk = b + (<usize>j << 2);
      for (let steps = k; steps > 0; steps -= 4, ak += 16) {
        b0 = v128.load(bk), b1 = v128.load(bk, 16), x = v128.load32_splat(ak);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak + aPitch);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak + (aPitch << 1));
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak + aPitch * 3);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), bk += bPitch;
        if (steps == 1) break;
        b0 = v128.load(bk), b1 = v128.load(bk, 16), x = v128.load32_splat(ak, 4);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak + aPitch, 4);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak + (aPitch << 1), 4);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak + aPitch * 3, 4);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), bk += bPitch;
        if (steps == 2) break;
        b0 = v128.load(bk), b1 = v128.load(bk, 16), x = v128.load32_splat(ak, 8);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak + aPitch, 8);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak + (aPitch << 1), 8);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak + aPitch * 3, 8);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), bk += bPitch;
        if (steps == 3) break;
        b0 = v128.load(bk), b1 = v128.load(bk, 16), x = v128.load32_splat(ak, 12);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak + aPitch, 12);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak + (aPitch << 1), 12);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak + aPitch * 3, 12);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), bk += bPitch;
      }
      const to = c + (<usize>j << 2);
      if (m < 4 || n - j < 8) {
        put_edge(c00, c01, c10, c11, c20, c21, c30, c31, accumulate, to, cPitch, m, n - j);
      } else {
        put(c00, c01, accumulate, to);
        put(c10, c11, accumulate, to + cPitch);
        put(c20, c21, accumulate, to + (cPitch << 1));
        put(c30, c31, accumulate, to + cPitch * 3);
      }
    }
  }
}

/**
 * C = diag(f)·Aᵀ·B          A [k, m], B [k, n], C [m, n], f [m]
 *
 * Reads A and f up to the next multiple of 4 columns and B of 8; what lies there does not matter. Writes nothing outside C.
 */
export function product_transposed(
  m: i32, n: i32, k: i32, a: usize, aPitch: usize, b: usize, bPitch: usize, factors: usize, c: usize, cPitch: usize,
): void {
  for (; n > 0; n -= 8, b += 32, c += 32) {
    let to = c;
    for (let i = 0; i < m; i += 4, to += cPitch << 2) {
      let b0: v128, b1: v128, x: v128;
      let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00;
      let c01 = c00, c11 = c00, c21 = c00, c31 = c00;
      let ak = a + (<usize>i << 2);
      let bk = b;
      for (let steps = k; steps > 0; steps -= 4) {
        b0 = v128.load(bk), b1 = v128.load(bk, 16), x = v128.load32_splat(ak);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 4);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 8);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 12);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), ak += aPitch, bk += bPitch;
        if (steps == 1) break;
        b0 = v128.load(bk), b1 = v128.load(bk, 16), x = v128.load32_splat(ak);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 4);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 8);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 12);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), ak += aPitch, bk += bPitch;
        if (steps == 2) break;
        b0 = v128.load(bk), b1 = v128.load(bk, 16), x = v128.load32_splat(ak);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 4);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 8);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 12);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), ak += aPitch, bk += bPitch;
        if (steps == 3) break;
        b0 = v128.load(bk), b1 = v128.load(bk, 16), x = v128.load32_splat(ak);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 4);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 8);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 12);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), ak += aPitch, bk += bPitch;
      }
      const f = factors + (<usize>i << 2);
      x = v128.load32_splat(f), c00 = f32x4.mul(x, c00), c01 = f32x4.mul(x, c01);
      x = v128.load32_splat(f, 4), c10 = f32x4.mul(x, c10), c11 = f32x4.mul(x, c11);
      x = v128.load32_splat(f, 8), c20 = f32x4.mul(x, c20), c21 = f32x4.mul(x, c21);
      x = v128.load32_splat(f, 12), c30 = f32x4.mul(x, c30), c31 = f32x4.mul(x, c31);
      if (m - i < 4 || n < 8) {
        put_edge(c00, c01, c10, c11, c20, c21, c30, c31, false, to, cPitch, m - i, n);
      } else {
        put(c00, c01, false, to);
        put(c10, c11, false, to + cPitch);
        put(c20, c21, false, to + (cPitch << 1));
        put(c30, c31, false, to + cPitch * 3);
      }
    }
  }
}
