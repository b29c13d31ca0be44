// Attention of four items side by side, one to a lane: every number of a packed array is a vector that holds the four.
//
// A product then has neither a horizontal step nor a row or column that is padded to the width of a vector, so short
// sequences and narrow heads waste little; and one packed copy of an operand serves every product, whichever of its
// axes is summed. It takes four times the memory of attention_tile.ts for the same item, which is faster when this no
// longer fits the caches. Lanes do not mix: which items share a vector changes no bit.
import { horizontal_sum, madd } from "./lanes";
import { LOG2_E } from "./math";

/**
 * Whether four items at a time are faster than one: while the operands of a product, four times as large, stay in the
 * second cache. The limits on each size keep working memory within 4 MiB.
 */
export function side_by_side(tokens: i32, dim: i32): bool {
  return tokens * dim <= 2304 && tokens <= 1024 && dim <= 2048;
}

/** The most queries in a block; those of a window or a small image are one, whose gradients need not be summed. */
// @ts-ignore: decorator
@inline
const MAX_BLOCK: i32 = 72;

/** Queries in each block but the last: a multiple of 4, and such that the blocks of one item are about equal. */
export function block_items(tokens: i32): i32 {
  const blocks = (tokens + MAX_BLOCK - 1) / MAX_BLOCK;
  return ((tokens + blocks - 1) / blocks + 3) & ~3;
}

/** Bytes of a packed row of n numbers: an odd number of cache lines, since even ones would share few cache sets. */
export function row_bytes(n: i32): usize {
  return <usize>(((n + 3) >> 2) | 1) << 6;
}

/** What the four items have a place in; each has a table of four offsets in bytes, one for each lane. */
export const enum Operand {
  QKV,
  OUT,
  ROWS,
  BIAS,
  MASK,
}

/** Bytes of the tables of all operands, in whole cache lines. */
// @ts-ignore: decorator
@inline
export const TABLES_BYTES: usize = 128;

// @ts-ignore: decorator
@inline
function offset_of(table: usize, lane: i32): usize {
  return <usize>load<u32>(table + (<usize>lane << 2));
}

// @ts-ignore: decorator
@inline
export function table_of(tables: usize, operand: i32): usize {
  return tables + (<usize>operand << 4);
}

/** Notes where an item = image·heads + head begins in each operand. */
export function locate_item(
  tables: usize, lane: i32, item: i32, heads: i32, tokens: i32, queries: i32, dim: i32, biasHead: i32, windows: i32,
): void {
  const image = item / heads;
  const head = item - image * heads;
  const at = tables + (<usize>lane << 2);
  const mask = windows > 0 ? image % windows : 0;
  store<u32>(at, <u32>((image * tokens * 3 * heads + head) * dim) << 2, 16 * Operand.QKV);
  store<u32>(at, <u32>((image * queries * heads + head) * dim) << 2, 16 * Operand.OUT);
  store<u32>(at, <u32>(item * queries) << 2, 16 * Operand.ROWS);
  store<u32>(at, <u32>(head * biasHead) << 2, 16 * Operand.BIAS);
  store<u32>(at, <u32>(mask * tokens * tokens) << 2, 16 * Operand.MASK);
}

/** to[r, c] = scale · the four numbers at row r, column c; zero in the columns up to the next multiple of 4. */
export function pack_items(
  rows: i32, dim: i32, scale: f32, base: usize, lanes: usize, pitch: usize, to: usize, toPitch: usize,
): void {
  const factor = f32x4.splat(scale);
  const whole = <usize>(dim & ~3) << 2;
  const stop = <usize>dim << 2;
  let p0 = base + offset_of(lanes, 0), p1 = base + offset_of(lanes, 1);
  let p2 = base + offset_of(lanes, 2), p3 = base + offset_of(lanes, 3);
  for (; rows > 0; rows--, p0 += pitch, p1 += pitch, p2 += pitch, p3 += pitch, to += toPitch) {
    let at: usize = 0;
    let t = to;
    for (; at < whole; at += 16, t += 64) {
      const a = f32x4.mul(v128.load(p0 + at), factor), b = f32x4.mul(v128.load(p1 + at), factor);
      const c = f32x4.mul(v128.load(p2 + at), factor), d = f32x4.mul(v128.load(p3 + at), factor);
      const abLow = v128.shuffle<f32>(a, b, 0, 4, 1, 5), abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cdLow = v128.shuffle<f32>(c, d, 0, 4, 1, 5), cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(t, v128.shuffle<i64>(abLow, cdLow, 0, 2)), v128.store(t, v128.shuffle<i64>(abLow, cdLow, 1, 3), 16);
      v128.store(t, v128.shuffle<i64>(abHigh, cdHigh, 0, 2), 32);
      v128.store(t, v128.shuffle<i64>(abHigh, cdHigh, 1, 3), 48);
    }
    if (at == stop) continue;
    for (; at < stop; at += 4, t += 16) {
      store<f32>(t, scale * load<f32>(p0 + at)), store<f32>(t, scale * load<f32>(p1 + at), 4);
      store<f32>(t, scale * load<f32>(p2 + at), 8), store<f32>(t, scale * load<f32>(p3 + at), 12);
    }
    for (; at & 15; at += 4, t += 16) v128.store(t, f32x4.splat(0));
  }
}

/** The inverse of pack_items, times a factor for each row: four numbers at factors, the next row's factorBytes on. */
export function unpack_items(
  rows: i32, dim: i32, factors: usize, factorBytes: usize, from: usize, fromPitch: usize, base: usize, lanes: usize,
  pitch: usize,
): void {
  const whole = <usize>(dim & ~3) << 2;
  const stop = <usize>dim << 2;
  let p0 = base + offset_of(lanes, 0), p1 = base + offset_of(lanes, 1);
  let p2 = base + offset_of(lanes, 2), p3 = base + offset_of(lanes, 3);
  for (; rows > 0; rows--, p0 += pitch, p1 += pitch, p2 += pitch, p3 += pitch, from += fromPitch) {
    const factor = v128.load(factors);
    factors += factorBytes;
    let at: usize = 0;
    let t = from;
    for (; at < whole; at += 16, t += 64) {
      const a = f32x4.mul(v128.load(t), factor), b = f32x4.mul(v128.load(t, 16), factor);
      const c = f32x4.mul(v128.load(t, 32), factor), d = f32x4.mul(v128.load(t, 48), factor);
      const abLow = v128.shuffle<f32>(a, b, 0, 4, 1, 5), abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cdLow = v128.shuffle<f32>(c, d, 0, 4, 1, 5), cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(p0 + at, v128.shuffle<i64>(abLow, cdLow, 0, 2));
      v128.store(p1 + at, v128.shuffle<i64>(abLow, cdLow, 1, 3));
      v128.store(p2 + at, v128.shuffle<i64>(abHigh, cdHigh, 0, 2));
      v128.store(p3 + at, v128.shuffle<i64>(abHigh, cdHigh, 1, 3));
    }
    for (; at < stop; at += 4, t += 16) {
      const x = f32x4.mul(v128.load(t), factor);
      v128.store32_lane(p0 + at, x, 0), v128.store32_lane(p1 + at, x, 1);
      v128.store32_lane(p2 + at, x, 2), v128.store32_lane(p3 + at, x, 3);
    }
  }
}

/**
 * s[i, j] = start[i] + Σ_c q[i, c]·k[j, c]          q and k packed with the same pitch
 *
 * The next start[i] lies startBytes on, or is the same if that is 0.
 * Tiles are two queries by four keys. Where one or two keys are left, two keys by four queries waste less.
 * Reads start and writes s up to the next multiple of 4 queries, and of 4 keys.
 */
export function score_items(
  rows: i32, tokens: i32, dim: i32, start: usize, startBytes: usize, q: usize, k: usize, pitch: usize, s: usize,
  sPitch: usize,
): void {
  const left = tokens & 3;
  const body = left == 3 ? tokens : tokens - left;
  inner_products(rows, body, dim, start, startBytes, 0, q, k, pitch, s, sPitch, 16);
  if (body == tokens) return;
  const last = k + <usize>body * pitch;
  inner_products(left, rows, dim, start, 0, startBytes, last, q, pitch, s + (<usize>body << 4), 16, sPitch);
}

/** c[i, j] = start(i, j) + Σ_p a[i, p]·b[j, p] in tiles of 2 × 4; gemm_tile.ts says why a branch follows each step. */
function inner_products(
  rows: i32, columns: i32, k: i32, start: usize, startRow: usize, startColumn: usize, a: usize, b: usize, pitch: usize,
  c: usize, cRow: usize, cColumn: usize,
): void {
  for (; columns > 0; columns -= 4, b += pitch << 2, c += cColumn << 2, start += startColumn << 2) {
    let ai = a;
    let to = c;
    let from = start;
    for (let i = rows; i > 0; i -= 2, ai += pitch << 1, to += cRow << 1, from += startRow << 1) {
      let a0: v128, a1: v128, x: v128;
      let at = from;
      let c00 = v128.load(at), c10 = v128.load(at + startRow);
      at += startColumn;
      let c01 = v128.load(at), c11 = v128.load(at + startRow);
      at += startColumn;
      let c02 = v128.load(at), c12 = v128.load(at + startRow);
      at += startColumn;
      let c03 = v128.load(at), c13 = v128.load(at + startRow);
      let p0 = ai, p1 = ai + pitch;
      let q0 = b, q1 = b + pitch, q2 = q1 + pitch, q3 = q2 + pitch;
      for (let steps = k; steps > 0; steps -= 4) {
        a0 = v128.load(p0), a1 = v128.load(p1), x = v128.load(q0);
        c00 = madd(c00, a0, x), c10 = madd(c10, a1, x), x = v128.load(q1);
        c01 = madd(c01, a0, x), c11 = madd(c11, a1, x), x = v128.load(q2);
        c02 = madd(c02, a0, x), c12 = madd(c12, a1, x), x = v128.load(q3);
        c03 = madd(c03, a0, x), c13 = madd(c13, a1, x);
        if (steps == 1) break;
        a0 = v128.load(p0, 16), a1 = v128.load(p1, 16), x = v128.load(q0, 16);
        c00 = madd(c00, a0, x), c10 = madd(c10, a1, x), x = v128.load(q1, 16);
        c01 = madd(c01, a0, x), c11 = madd(c11, a1, x), x = v128.load(q2, 16);
        c02 = madd(c02, a0, x), c12 = madd(c12, a1, x), x = v128.load(q3, 16);
        c03 = madd(c03, a0, x), c13 = madd(c13, a1, x);
        if (steps == 2) break;
        a0 = v128.load(p0, 32), a1 = v128.load(p1, 32), x = v128.load(q0, 32);
        c00 = madd(c00, a0, x), c10 = madd(c10, a1, x), x = v128.load(q1, 32);
        c01 = madd(c01, a0, x), c11 = madd(c11, a1, x), x = v128.load(q2, 32);
        c02 = madd(c02, a0, x), c12 = madd(c12, a1, x), x = v128.load(q3, 32);
        c03 = madd(c03, a0, x), c13 = madd(c13, a1, x);
        if (steps == 3) break;
        a0 = v128.load(p0, 48), a1 = v128.load(p1, 48), x = v128.load(q0, 48);
        c00 = madd(c00, a0, x), c10 = madd(c10, a1, x), x = v128.load(q1, 48);
        c01 = madd(c01, a0, x), c11 = madd(c11, a1, x), x = v128.load(q2, 48);
        c02 = madd(c02, a0, x), c12 = madd(c12, a1, x), x = v128.load(q3, 48);
        c03 = madd(c03, a0, x), c13 = madd(c13, a1, x);
        p0 += 64, p1 += 64, q0 += 64, q1 += 64, q2 += 64, q3 += 64;
      }
      at = to;
      v128.store(at, c00), v128.store(at + cRow, c10), at += cColumn;
      v128.store(at, c01), v128.store(at + cRow, c11), at += cColumn;
      v128.store(at, c02), v128.store(at + cRow, c12), at += cColumn;
      v128.store(at, c03), v128.store(at + cRow, c13);
    }
  }
}

/**
 * c[i, j] = Σ_p a(i, p)·b[p, j], added to what is there if `accumulate`
 *
 * a(i, p) lies at i·aRow + p·aColumn. Writes whole tiles: rows up to the next multiple of 2, columns of 4.
 */
export function multiply_items(
  rows: i32, columns: i32, k: i32, a: usize, aRow: usize, aColumn: usize, b: usize, pitch: usize, accumulate: bool,
  c: usize,
): void {
  for (; columns > 0; columns -= 4, b += 64, c += 64) {
    let ai = a;
    let to = c;
    for (let i = rows; i > 0; i -= 2, ai += aRow << 1, to += pitch << 1) {
      let a0: v128, a1: v128, x: v128;
      let c00 = f32x4.splat(0), c01 = c00, c02 = c00, c03 = c00;
      let c10 = c00, c11 = c00, c12 = c00, c13 = c00;
      let p0 = ai, p1 = ai + aRow, q = b;
      for (let steps = k; steps > 0; steps -= 4) {
        a0 = v128.load(p0), a1 = v128.load(p1), x = v128.load(q);
        c00 = madd(c00, a0, x), c10 = madd(c10, a1, x), x = v128.load(q, 16);
        c01 = madd(c01, a0, x), c11 = madd(c11, a1, x), x = v128.load(q, 32);
        c02 = madd(c02, a0, x), c12 = madd(c12, a1, x), x = v128.load(q, 48);
        c03 = madd(c03, a0, x), c13 = madd(c13, a1, x), p0 += aColumn, p1 += aColumn, q += pitch;
        if (steps == 1) break;
        a0 = v128.load(p0), a1 = v128.load(p1), x = v128.load(q);
        c00 = madd(c00, a0, x), c10 = madd(c10, a1, x), x = v128.load(q, 16);
        c01 = madd(c01, a0, x), c11 = madd(c11, a1, x), x = v128.load(q, 32);
        c02 = madd(c02, a0, x), c12 = madd(c12, a1, x), x = v128.load(q, 48);
        c03 = madd(c03, a0, x), c13 = madd(c13, a1, x), p0 += aColumn, p1 += aColumn, q += pitch;
        if (steps == 2) break;
        a0 = v128.load(p0), a1 = v128.load(p1), x = v128.load(q);
        c00 = madd(c00, a0, x), c10 = madd(c10, a1, x), x = v128.load(q, 16);
        c01 = madd(c01, a0, x), c11 = madd(c11, a1, x), x = v128.load(q, 32);
        c02 = madd(c02, a0, x), c12 = madd(c12, a1, x), x = v128.load(q, 48);
        c03 = madd(c03, a0, x), c13 = madd(c13, a1, x), p0 += aColumn, p1 += aColumn, q += pitch;
        if (steps == 3) break;
        a0 = v128.load(p0), a1 = v128.load(p1), x = v128.load(q);
        c00 = madd(c00, a0, x), c10 = madd(c10, a1, x), x = v128.load(q, 16);
        c01 = madd(c01, a0, x), c11 = madd(c11, a1, x), x = v128.load(q, 32);
        c02 = madd(c02, a0, x), c12 = madd(c12, a1, x), x = v128.load(q, 48);
        c03 = madd(c03, a0, x), c13 = madd(c13, a1, x), p0 += aColumn, p1 += aColumn, q += pitch;
      }
      put_row(c00, c01, c02, c03, accumulate, to);
      put_row(c10, c11, c12, c13, accumulate, to + pitch);
    }
  }
}

// @ts-ignore: decorator
@inline
function put_row(x0: v128, x1: v128, x2: v128, x3: v128, accumulate: bool, to: usize): void {
  if (accumulate) {
    x0 = f32x4.add(x0, v128.load(to)), x1 = f32x4.add(x1, v128.load(to, 16));
    x2 = f32x4.add(x2, v128.load(to, 32)), x3 = f32x4.add(x3, v128.load(to, 48));
  }
  v128.store(to, x0), v128.store(to, x1, 16), v128.store(to, x2, 32), v128.store(to, x3, 48);
}

/** Adds bias and mask, where given, times log₂(e), to the scores of the queries from `first` on. */
export function add_bias_and_mask(
  first: i32, rows: i32, tokens: i32, bias: usize, biasRow: i32, biasColumn: i32, mask: usize, tables: usize, s: usize,
  sPitch: usize,
): void {
  if (bias) {
    const from = bias + (<usize>(first * biasRow) << 2);
    const inBias = table_of(tables, Operand.BIAS);
    add_terms(rows, tokens, from, inBias, <usize>biasRow << 2, <usize>biasColumn << 2, s, sPitch);
  }
  if (mask) {
    const from = mask + (<usize>(first * tokens) << 2);
    add_terms(rows, tokens, from, table_of(tables, Operand.MASK), <usize>tokens << 2, 4, s, sPitch);
  }
}

/** s[i, j] += log₂(e) · the four numbers at row i, column j */
function add_terms(
  rows: i32, tokens: i32, base: usize, table: usize, rowBytes: usize, columnBytes: usize, s: usize, sPitch: usize,
): void {
  const factor = f32x4.splat(LOG2_E);
  let p0 = base + offset_of(table, 0), p1 = base + offset_of(table, 1);
  let p2 = base + offset_of(table, 2), p3 = base + offset_of(table, 3);
  const same = p0 == p1 && p0 == p2 && p0 == p3;
  for (; rows > 0; rows--, p0 += rowBytes, p1 += rowBytes, p2 += rowBytes, p3 += rowBytes, s += sPitch) {
    let at: usize = 0;
    for (let to = s, stop = s + (<usize>tokens << 4); to < stop; to += 16, at += columnBytes) {
      let x = v128.load32_splat(p0 + at);
      if (!same) {
        x = v128.load32_lane(p1 + at, x, 1), x = v128.load32_lane(p2 + at, x, 2), x = v128.load32_lane(p3 + at, x, 3);
      }
      v128.store(to, madd(v128.load(to), factor, x));
    }
  }
}

/** The number of each lane to its item: to[r] = lane of from[r]. */
export function put_lanes(rows: i32, from: usize, base: usize, table: usize): void {
  let p0 = base + offset_of(table, 0), p1 = base + offset_of(table, 1);
  let p2 = base + offset_of(table, 2), p3 = base + offset_of(table, 3);
  for (; rows > 0; rows--, from += 16, p0 += 4, p1 += 4, p2 += 4, p3 += 4) {
    const x = v128.load(from);
    v128.store32_lane(p0, x, 0), v128.store32_lane(p1, x, 1), v128.store32_lane(p2, x, 2), v128.store32_lane(p3, x, 3);
  }
}

/** to[r] = scale · the number of each item */
export function take_lanes(rows: i32, scale: f32, base: usize, table: usize, to: usize): void {
  const factor = f32x4.splat(scale);
  let p0 = base + offset_of(table, 0), p1 = base + offset_of(table, 1);
  let p2 = base + offset_of(table, 2), p3 = base + offset_of(table, 3);
  for (; rows > 0; rows--, to += 16, p0 += 4, p1 += 4, p2 += 4, p3 += 4) {
    let x = v128.load32_splat(p0);
    x = v128.load32_lane(p1, x, 1), x = v128.load32_lane(p2, x, 2), x = v128.load32_lane(p3, x, 3);
    v128.store(to, f32x4.mul(factor, x));
  }
}

/** to[i, j] += the sum of s[i, j] over the first `counted` lanes */
export function add_lanes(rows: i32, tokens: i32, counted: i32, s: usize, sPitch: usize, to: usize): void {
  const taken = i32x4.gt_s(i32x4.splat(counted), i32x4(0, 1, 2, 3));
  const whole = <usize>(tokens & ~3) << 2;
  const rowBytes = <usize>tokens << 2;
  for (; rows > 0; rows--, s += sPitch, to += rowBytes) {
    let at = s;
    let t = to;
    for (const stop = to + whole; t < stop; t += 16, at += 64) {
      const a = v128.and(taken, v128.load(at)), b = v128.and(taken, v128.load(at, 16));
      const c = v128.and(taken, v128.load(at, 32)), d = v128.and(taken, v128.load(at, 48));
      const abLow = v128.shuffle<f32>(a, b, 0, 4, 1, 5), abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cdLow = v128.shuffle<f32>(c, d, 0, 4, 1, 5), cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      const first = f32x4.add(v128.shuffle<i64>(abLow, cdLow, 0, 2), v128.shuffle<i64>(abLow, cdLow, 1, 3));
      const second = f32x4.add(v128.shuffle<i64>(abHigh, cdHigh, 0, 2), v128.shuffle<i64>(abHigh, cdHigh, 1, 3));
      v128.store(t, f32x4.add(v128.load(t), f32x4.add(first, second)));
    }
    for (const stop = to + rowBytes; t < stop; t += 4, at += 16) {
      store<f32>(t, load<f32>(t) + horizontal_sum(v128.and(taken, v128.load(at))));
    }
  }
}
