// What the two attention kernels share: row blocks, packing, and products in register tiles of 4 × 8 as in gemm_tile.ts.
//
// Scores stand in strips of four queries: strip r holds, key after key, the scores of queries 4r … 4r + 3. A softmax then
// runs down a strip, one query to a lane, without a horizontal step or a tail; and the two products that follow find
// their numbers side by side whether they sum over keys or over queries. The other operands are packed as in pack.ts:
// strips of four rows [⌈m / 4⌉, k, 4] and panels of eight columns [⌈n / 8⌉, k, 8].
import { madd } from "./lanes";
import { weave } from "./pack";

/** The most queries in a block; their scores against all keys should stay in the second cache. */
// @ts-ignore: decorator
@inline
const MAX_BLOCK: i32 = 56;

/** Queries in each block but the last: a multiple of 8, and such that the blocks of one item are about equal. */
export function block_rows(tokens: i32): i32 {
  const blocks = max(1, (tokens + MAX_BLOCK - 1) / MAX_BLOCK);
  return ((tokens + blocks - 1) / blocks + 7) & ~7;
}

/** Bytes of a strip of scores: an odd number of cache lines of four keys, since even ones would share few cache sets. */
export function strip_bytes(tokens: i32): usize {
  return <usize>(((tokens + 3) >> 2) | 1) << 6;
}

/** Bytes of `rows` packed rows as strips. */
export function strips_bytes(rows: i32, dim: i32): usize {
  return <usize>((rows + 3) & ~3) * <usize>dim << 2;
}

/** Bytes of `rows` packed rows as panels. */
export function panels_bytes(rows: i32, dim: i32): usize {
  return <usize>rows * <usize>((dim + 7) & ~7) << 2;
}

/** dst[s, c, t] = scale · src[4·s + t, c]; lanes past the last row repeat it. */
export function pack_strips(rows: i32, dim: i32, scale: f32, src: usize, srcPitch: usize, dst: usize): void {
  const bytes = <usize>dim << 4;
  for (; rows > 0; rows -= 4, src += srcPitch << 2, dst += bytes) weave(rows, dim, scale, src, srcPitch, dst, 16);
}

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
 * s = k·qᵀ + start as strips          k [tokens, dim] as strips, q [rows, dim] as transposed panels, start [rows]
 *
 * Reads start and writes whole tiles: keys up to the next multiple of 4, queries of 8. Eight numbers of start are
 * startBytes from the next.
 * Several steps of the sum make one turn of the loop, with a branch after each: see gemm_tile.ts.
 */
export function product_scores(
  tokens: i32, rows: i32, dim: i32, start: usize, startBytes: usize, keys: usize, queries: usize, scores: usize,
  stripBytes: usize,
): void {
  const turnBytes = <usize>dim << 4;
  for (; tokens > 0; tokens -= 4, keys += turnBytes, scores += 64) {
    let panel = queries;
    let to = scores;
    let from = start;
    for (let j = rows; j > 0; j -= 8, panel += turnBytes << 1, to += stripBytes << 1, from += startBytes) {
      let b0: v128, b1: v128, x: v128;
      let c00 = v128.load(from), c10 = c00, c20 = c00, c30 = c00;
      let c01 = v128.load(from, 16), c11 = c01, c21 = c01, c31 = c01;
      let ak = keys;
      let bk = panel;
      for (let steps = dim; steps > 0; steps -= 4) {
        b0 = v128.load(bk), b1 = v128.load(bk, 16), x = v128.load32_splat(ak);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 4);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 8);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 12);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
        if (steps == 1) break;
        b0 = v128.load(bk, 32), b1 = v128.load(bk, 48), x = v128.load32_splat(ak, 16);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 20);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 24);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 28);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
        if (steps == 2) break;
        b0 = v128.load(bk, 64), b1 = v128.load(bk, 80), x = v128.load32_splat(ak, 32);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 36);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 40);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 44);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
        if (steps == 3) break;
        b0 = v128.load(bk, 96), b1 = v128.load(bk, 112), x = v128.load32_splat(ak, 48);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 52);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 56);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 60);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), ak += 64, bk += 128;
      }
      v128.store(to, c00), v128.store(to, c10, 16), v128.store(to, c20, 32), v128.store(to, c30, 48);
      const right = to + stripBytes;
      v128.store(right, c01), v128.store(right, c11, 16), v128.store(right, c21, 32), v128.store(right, c31, 48);
    }
  }
}

/**
 * c = diag(f)·sᵀ·b          s [tokens, rows] as strips, b [tokens, dim] as panels, c [rows, dim], f [rows]
 *
 * Reads f up to the next multiple of 4 rows; writes nothing outside c.
 */
export function product_by_query(
  rows: i32, dim: i32, tokens: i32, scores: usize, stripBytes: usize, panels: usize, factors: usize, c: usize,
  cPitch: usize,
): void {
  for (; dim > 0; dim -= 8, panels += <usize>tokens << 5, c += 32) {
    let to = c;
    let strip = scores;
    let f = factors;
    for (let i = rows; i > 0; i -= 4, strip += stripBytes, f += 16, to += cPitch << 2) {
      let b0: v128, b1: v128, x: v128;
      let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00;
      let c01 = c00, c11 = c00, c21 = c00, c31 = c00;
      let ak = strip;
      let bk = panels;
      for (let steps = tokens; steps > 0; steps -= 4) {
        b0 = v128.load(bk), b1 = v128.load(bk, 16), x = v128.load32_splat(ak);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 4);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 8);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 12);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
        if (steps == 1) break;
        b0 = v128.load(bk, 32), b1 = v128.load(bk, 48), x = v128.load32_splat(ak, 16);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 20);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 24);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 28);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
        if (steps == 2) break;
        b0 = v128.load(bk, 64), b1 = v128.load(bk, 80), x = v128.load32_splat(ak, 32);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 36);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 40);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 44);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
        if (steps == 3) break;
        b0 = v128.load(bk, 96), b1 = v128.load(bk, 112), x = v128.load32_splat(ak, 48);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 52);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 56);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 60);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), ak += 64, bk += 128;
      }
      x = v128.load32_splat(f), c00 = f32x4.mul(x, c00), c01 = f32x4.mul(x, c01);
      x = v128.load32_splat(f, 4), c10 = f32x4.mul(x, c10), c11 = f32x4.mul(x, c11);
      x = v128.load32_splat(f, 8), c20 = f32x4.mul(x, c20), c21 = f32x4.mul(x, c21);
      x = v128.load32_splat(f, 12), c30 = f32x4.mul(x, c30), c31 = f32x4.mul(x, c31);
      if (i < 4 || dim < 8) {
        put_edge(c00, c01, c10, c11, c20, c21, c30, c31, false, to, cPitch, i, dim);
      } else {
        put(c00, c01, false, to);
        put(c10, c11, false, to + cPitch);
        put(c20, c21, false, to + (cPitch << 1));
        put(c30, c31, false, to + cPitch * 3);
      }
    }
  }
}

/**
 * c = s·b, or c += s·b          s [tokens, rows] as strips, b [rows, dim] as panels, c [tokens, dim]
 *
 * Four keys of a strip are four rows of four queries, so a turn of the loop takes one strip. Writes nothing outside c.
 */
export function product_by_key(
  tokens: i32, dim: i32, rows: i32, scores: usize, stripBytes: usize, panels: usize, accumulate: bool, c: usize,
  cPitch: usize,
): void {
  for (; tokens > 0; tokens -= 4, scores += 64, c += cPitch << 2) {
    let to = c;
    let panel = panels;
    for (let j = dim; j > 0; j -= 8, panel += <usize>rows << 5, to += 32) {
      let b0: v128, b1: v128, x: v128;
      let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00;
      let c01 = c00, c11 = c00, c21 = c00, c31 = c00;
      let ak = scores;
      let bk = panel;
      for (let steps = rows; steps > 0; steps -= 4) {
        b0 = v128.load(bk), b1 = v128.load(bk, 16), x = v128.load32_splat(ak);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 16);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 32);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 48);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
        if (steps == 1) break;
        b0 = v128.load(bk, 32), b1 = v128.load(bk, 48), x = v128.load32_splat(ak, 4);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 20);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 36);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 52);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
        if (steps == 2) break;
        b0 = v128.load(bk, 64), b1 = v128.load(bk, 80), x = v128.load32_splat(ak, 8);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 24);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 40);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 56);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1);
        if (steps == 3) break;
        b0 = v128.load(bk, 96), b1 = v128.load(bk, 112), x = v128.load32_splat(ak, 12);
        c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), x = v128.load32_splat(ak, 28);
        c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), x = v128.load32_splat(ak, 44);
        c20 = madd(c20, x, b0), c21 = madd(c21, x, b1), x = v128.load32_splat(ak, 60);
        c30 = madd(c30, x, b0), c31 = madd(c31, x, b1), ak += stripBytes, bk += 128;
      }
      if (tokens < 4 || j < 8) {
        put_edge(c00, c01, c10, c11, c20, c21, c30, c31, accumulate, to, cPitch, tokens, j);
      } else {
        put(c00, c01, accumulate, to);
        put(c10, c11, accumulate, to + cPitch);
        put(c20, c21, accumulate, to + (cPitch << 1));
        put(c30, c31, accumulate, to + cPitch * 3);
      }
    }
  }
}
