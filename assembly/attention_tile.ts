// What the two attention kernels share: packed operands, and products in register tiles of 4 × 8 as in gemm_tile.ts.
//
// Left operands are packed as strips of four rows [⌈m / 4⌉, k, 4], right operands as panels of eight columns
// [⌈n / 8⌉, k, 8]. A tile is written as four rows of eight numbers side by side, so that the tiles of one panel are a panel
// again: scores are the right operand of the next product as they come.
import { load_part, madd, store_part } from "./lanes";
import { weave } from "./pack";

/** dst[p, c, t] = scale · src[8·p + t, c], the panels of the transpose; fills lanes up to the next multiple of 4 rows. */
export function pack_transposed(rows: i32, dim: i32, scale: f32, src: usize, srcPitch: usize, dst: usize): void {
  const bytes = <usize>dim << 5;
  for (; rows > 0; rows -= 8, src += srcPitch << 3, dst += bytes) {
    weave(rows, dim, scale, src, srcPitch, dst, 32);
    if (rows > 4) weave(rows - 4, dim, scale, src + (srcPitch << 2), srcPitch, dst + 16, 32);
  }
}

/** dst[p, r, t] = scale · src[r, 8·p + t]; leaves lanes past `dim` as they are. */
export function pack_panels(rows: i32, dim: i32, scale: f32, src: usize, srcPitch: usize, dst: usize): void {
  const factor = f32x4.splat(scale);
  const panelBytes = <usize>rows << 5;
  const whole = <usize>(dim & ~7) << 2;
  const stop = <usize>dim << 2;
  for (; rows > 0; rows--, src += srcPitch, dst += 32) {
    let to = dst;
    let at: usize = 0;
    for (; at < whole; at += 32, to += panelBytes) {
      v128.store(to, f32x4.mul(factor, v128.load(src + at)));
      v128.store(to, f32x4.mul(factor, v128.load(src + at, 16)), 16);
    }
    for (; at < stop; at += 4, to += 4) store<f32>(to, scale * load<f32>(src + at));
  }
}

/** dst[s, c, t] = scale · src[4·s + t, c]; rows past the last repeat it. */
export function pack_strips(rows: i32, dim: i32, scale: f32, src: usize, srcPitch: usize, dst: usize): void {
  const bytes = <usize>dim << 4;
  for (; rows > 0; rows -= 4, src += srcPitch << 2, dst += bytes) weave(rows, dim, scale, src, srcPitch, dst, 16);
}

/** dst[8·p + t, i] = src[p, i, t]: four rows of panels, panelBytes apart, as a strip. */
export function pack_strip(panels: i32, src: usize, panelBytes: usize, dst: usize): void {
  for (; panels > 0; panels--, src += panelBytes, dst += 128) {
    transpose_half(src, dst);
    transpose_half(src + 16, dst + 64);
  }
}

/** The transpose of four vectors that are 32 bytes apart. */
// @ts-ignore: decorator
@inline
function transpose_half(src: usize, dst: usize): void {
  const a = v128.load(src), b = v128.load(src, 32), c = v128.load(src, 64), d = v128.load(src, 96);
  const abLow = v128.shuffle<f32>(a, b, 0, 4, 1, 5), abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cdLow = v128.shuffle<f32>(c, d, 0, 4, 1, 5), cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(dst, v128.shuffle<i64>(abLow, cdLow, 0, 2)), v128.store(dst, v128.shuffle<i64>(abLow, cdLow, 1, 3), 16);
  v128.store(dst, v128.shuffle<i64>(abHigh, cdHigh, 0, 2), 32);
  v128.store(dst, v128.shuffle<i64>(abHigh, cdHigh, 1, 3), 48);
}

/** dst[r, t] = scale · src[r, t] for four t, a strip of the transpose; 0 past the last column. */
export function pack_columns(rows: i32, columns: i32, scale: f32, src: usize, srcPitch: usize, dst: usize): void {
  const factor = f32x4.splat(scale);
  const left = <usize>columns << 2;
  if (columns < 4) {
    const zero = f32x4.splat(0);
    for (; rows > 0; rows--, src += srcPitch, dst += 16) v128.store(dst, f32x4.mul(factor, load_part(src, left, zero)));
  } else {
    for (; rows > 0; rows--, src += srcPitch, dst += 16) v128.store(dst, f32x4.mul(factor, v128.load(src)));
  }
}

/**
 * c[i, t] = start[i] + Σ_k a[k, i]·b[k, t] for four i, eight t and each of `tiles`; k ascends
 *
 * Four numbers of a are aStep from the next, rows of c pitch; tiles take their a, b and c aBytes, bBytes and cBytes from
 * those before.
 * Sixteen steps of the sum make one turn of the loop, with a branch after each: see gemm_tile.ts.
 */
export function multiply(
  tiles: i32, k: i32, a: usize, aStep: usize, aBytes: usize, b: usize, bBytes: usize, start: usize, c: usize,
  cBytes: usize, pitch: usize,
): void {
  for (; tiles > 0; tiles--, a += aBytes, b += bBytes, c += cBytes) {
    let b0: v128, b1: v128, a0: v128, a1: v128, a2: v128, a3: v128;
    let c00 = v128.load32_splat(start), c10 = v128.load32_splat(start, 4);
    let c20 = v128.load32_splat(start, 8), c30 = v128.load32_splat(start, 12);
    let c01 = c00, c11 = c10, c21 = c20, c31 = c30;
    let ak = a, bk = b;
    for (let steps = k; steps > 0; steps -= 16, bk += 512) {
      b0 = v128.load(bk), b1 = v128.load(bk, 16), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 1) break;
      b0 = v128.load(bk, 32), b1 = v128.load(bk, 48), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 2) break;
      b0 = v128.load(bk, 64), b1 = v128.load(bk, 80), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 3) break;
      b0 = v128.load(bk, 96), b1 = v128.load(bk, 112), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 4) break;
      b0 = v128.load(bk, 128), b1 = v128.load(bk, 144), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 5) break;
      b0 = v128.load(bk, 160), b1 = v128.load(bk, 176), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 6) break;
      b0 = v128.load(bk, 192), b1 = v128.load(bk, 208), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 7) break;
      b0 = v128.load(bk, 224), b1 = v128.load(bk, 240), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 8) break;
      b0 = v128.load(bk, 256), b1 = v128.load(bk, 272), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 9) break;
      b0 = v128.load(bk, 288), b1 = v128.load(bk, 304), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 10) break;
      b0 = v128.load(bk, 320), b1 = v128.load(bk, 336), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 11) break;
      b0 = v128.load(bk, 352), b1 = v128.load(bk, 368), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 12) break;
      b0 = v128.load(bk, 384), b1 = v128.load(bk, 400), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 13) break;
      b0 = v128.load(bk, 416), b1 = v128.load(bk, 432), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 14) break;
      b0 = v128.load(bk, 448), b1 = v128.load(bk, 464), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
      if (steps == 15) break;
      b0 = v128.load(bk, 480), b1 = v128.load(bk, 496), a0 = v128.load32_splat(ak), a1 = v128.load32_splat(ak, 4);
      a2 = v128.load32_splat(ak, 8), a3 = v128.load32_splat(ak, 12), ak += aStep;
      c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
      c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    }
    const c1 = c + pitch, c2 = c1 + pitch, c3 = c2 + pitch;
    v128.store(c, c00), v128.store(c, c01, 16), v128.store(c1, c10), v128.store(c1, c11, 16);
    v128.store(c2, c20), v128.store(c2, c21, 16), v128.store(c3, c30), v128.store(c3, c31, 16);
  }
}

/** c[i] = factors[i] · tile[i], for up to four rows of up to eight numbers */
export function put_rows(rows: i32, columns: i32, tile: usize, factors: usize, c: usize, pitch: usize): void {
  const whole = columns >= 8;
  const left = <usize>columns << 2;
  for (const stop = tile + (<usize>min(4, rows) << 5); tile < stop; tile += 32, factors += 4, c += pitch) {
    const factor = v128.load32_splat(factors);
    const x = f32x4.mul(factor, v128.load(tile)), y = f32x4.mul(factor, v128.load(tile, 16));
    if (whole) {
      v128.store(c, x), v128.store(c, y, 16);
    } else {
      store_part(c, left, x);
      if (columns > 4) store_part(c + 16, left - 16, y);
    }
  }
}

/** Up to four numbers of a row, added to what is there if `accumulate`. */
function put(x: v128, columns: i32, accumulate: bool, to: usize): void {
  const left = <usize>columns << 2;
  if (accumulate) x = f32x4.add(x, load_part(to, left, f32x4.splat(0)));
  store_part(to, left, x);
}

/** Four rows of c from half of a tile. */
// @ts-ignore: decorator
@inline
function put_half(rows: i32, columns: i32, tile: usize, accumulate: bool, c: usize, pitch: usize): void {
  const x0 = v128.load(tile), x1 = v128.load(tile, 32), x2 = v128.load(tile, 64), x3 = v128.load(tile, 96);
  const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
  let y0 = v128.shuffle<i64>(low01, low23, 0, 2), y1 = v128.shuffle<i64>(low01, low23, 1, 3);
  let y2 = v128.shuffle<i64>(high01, high23, 0, 2), y3 = v128.shuffle<i64>(high01, high23, 1, 3);
  if (rows >= 4 && columns >= 4) {
    const c2 = c + (pitch << 1);
    if (accumulate) {
      y0 = f32x4.add(y0, v128.load(c)), y1 = f32x4.add(y1, v128.load(c + pitch));
      y2 = f32x4.add(y2, v128.load(c2)), y3 = f32x4.add(y3, v128.load(c2 + pitch));
    }
    v128.store(c, y0), v128.store(c + pitch, y1), v128.store(c2, y2), v128.store(c2 + pitch, y3);
    return;
  }
  put(y0, columns, accumulate, c);
  if (rows > 1) put(y1, columns, accumulate, c + pitch);
  if (rows > 2) put(y2, columns, accumulate, c + (pitch << 1));
  if (rows > 3) put(y3, columns, accumulate, c + pitch * 3);
}

/** c[8·p + t, i] = tiles[p, i, t] for up to four columns i, added to what is there if `accumulate`; tiles tileBytes apart */
export function put_columns(
  rows: i32, columns: i32, tiles: usize, tileBytes: usize, accumulate: bool, c: usize, pitch: usize,
): void {
  for (; rows > 0; rows -= 8, tiles += tileBytes, c += pitch << 3) {
    put_half(rows, columns, tiles, accumulate, c, pitch);
    if (rows > 4) put_half(rows - 4, columns, tiles + 16, accumulate, c + (pitch << 2), pitch);
  }
}
