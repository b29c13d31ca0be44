import { expect_aligned, expect_at_least, expect_at_most, expect_range, expect_rows, expect_scratch } from "./contract";
import { row_at } from "./rows";

/** Bytes of bank rows that are compared with all queries before the next ones: they stay in the nearest cache. */
// @ts-ignore: decorator
@inline
const BLOCK_BYTES: i32 = 16384;

/**
 * index[r, ·], similarity[r, ·] = the k rows j of the bank with the largest dot product q[r] · b[j], largest first; the
 * lower j wins a tie. With exclude_self, j = r is left out.
 *
 * Where fewer than k finite products exist (NaN features), the rest holds index 0 and similarity −∞.
 *
 * reads     queries  f32[rows, cols], row stride ldq; bank  f32[count, cols], row stride ldb
 * writes    index  i32[rows, k], similarity  f32[rows, k], contiguous
 * requires  1 ≤ k ≤ count − exclude_self; exclude_self is 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere; chunks that are multiples of 4 waste nothing
 * error     at most cols / 4 + 6 roundings per product
 */
export function nearest_rows_f32(
  rows: i32, count: i32, cols: i32, queries: usize, ldq: i32, bank: usize, ldb: i32, k: i32, exclude_self: i32,
  index: usize, similarity: usize, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(queries | bank | index | similarity);
  expect_rows(rows, cols, ldq);
  expect_rows(count, cols, ldb);
  assert(exclude_self == 0 || exclude_self == 1);
  expect_at_least(k, 1);
  expect_at_most(k, count - exclude_self);
  expect_scratch(scratch, 12);
  const from = <usize>begin * k << 2;
  const bytes = <usize>(end - begin) * k << 2;
  memory.fill(index + from, 0, bytes);
  for (let p = similarity + from; p < similarity + from + bytes; p += 4) store<f32>(p, -Infinity);
  const block = max(8, BLOCK_BYTES / max(4, cols << 2)) & ~1;
  for (let first = 0; first < count; first += block) {
    const last = min(first + block, count);
    for (let r = begin; r < end; r += 4) {
      load_thresholds(r, end, k, similarity, scratch);
      for (let j = first; j < last; j += 2) {
        // Edge tiles repeat their last row, so that every product is formed by the same operations in the same order.
        const next = min(j + 1, last - 1);
        products(cols, queries, ldq, r, end - 1, row_at(bank, j, ldb), row_at(bank, next, ldb), scratch);
        const thresholds = v128.load(scratch);
        if (v128.any_true(f32x4.gt(v128.load(scratch, 16), thresholds))) {
          offer(r, j, exclude_self, k, index, similarity, scratch, scratch + 16);
        }
        if (next > j && v128.any_true(f32x4.gt(v128.load(scratch, 32), v128.load(scratch)))) {
          offer(r, next, exclude_self, k, index, similarity, scratch, scratch + 32);
        }
      }
    }
  }
  for (let r = begin; r < end; r++) {
    const skip = <usize>r * k << 2;
    sort_heap(k, index + skip, similarity + skip);
  }
}

/** The k-th best similarity so far of queries r … r+3; rows from `end` on accept nothing. */
// @ts-ignore: decorator
@inline
function load_thresholds(r: i32, end: i32, k: i32, similarity: usize, thresholds: usize): void {
  for (let t = 0; t < 4; t++) {
    const worst = r + t < end ? load<f32>(similarity + (<usize>(r + t) * k << 2)) : Infinity;
    store<f32>(thresholds + (<usize>t << 2), worst);
  }
}

/**
 * Dot products of queries r … r+3 (at most `lastRow`) with two bank rows; out + 16 receives the four with the first, out + 32
 * those with the second.
 */
// @ts-ignore: decorator
@inline
function products(cols: i32, queries: usize, ldq: i32, r: i32, lastRow: i32, b0: usize, b1: usize, out: usize): void {
  let q0 = row_at(queries, r, ldq);
  let q1 = row_at(queries, min(r + 1, lastRow), ldq);
  let q2 = row_at(queries, min(r + 2, lastRow), ldq);
  let q3 = row_at(queries, min(r + 3, lastRow), ldq);
  let s00 = f32x4.splat(0);
  let s10 = s00;
  let s20 = s00;
  let s30 = s00;
  let s01 = s00;
  let s11 = s00;
  let s21 = s00;
  let s31 = s00;
  const stop = b0 + (<usize>cols << 2);
  for (; b0 + 16 <= stop; b0 += 16, b1 += 16, q0 += 16, q1 += 16, q2 += 16, q3 += 16) {
    const x = v128.load(b0);
    const y = v128.load(b1);
    let q = v128.load(q0);
    s00 = f32x4.add(s00, f32x4.mul(q, x));
    s01 = f32x4.add(s01, f32x4.mul(q, y));
    q = v128.load(q1);
    s10 = f32x4.add(s10, f32x4.mul(q, x));
    s11 = f32x4.add(s11, f32x4.mul(q, y));
    q = v128.load(q2);
    s20 = f32x4.add(s20, f32x4.mul(q, x));
    s21 = f32x4.add(s21, f32x4.mul(q, y));
    q = v128.load(q3);
    s30 = f32x4.add(s30, f32x4.mul(q, x));
    s31 = f32x4.add(s31, f32x4.mul(q, y));
  }
  let first = sum_each(s00, s10, s20, s30);
  let second = sum_each(s01, s11, s21, s31);
  for (; b0 < stop; b0 += 4, b1 += 4, q0 += 4, q1 += 4, q2 += 4, q3 += 4) {
    let q = v128.load32_splat(q0);
    q = v128.load_lane<f32>(q1, q, 1);
    q = v128.load_lane<f32>(q2, q, 2);
    q = v128.load_lane<f32>(q3, q, 3);
    first = f32x4.add(first, f32x4.mul(q, v128.load32_splat(b0)));
    second = f32x4.add(second, f32x4.mul(q, v128.load32_splat(b1)));
  }
  v128.store(out, first, 16);
  v128.store(out, second, 32);
}

/** [Σ a, Σ b, Σ c, Σ d] */
// @ts-ignore: decorator
@inline
function sum_each(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** Enters bank row j for those of the queries r … r+3 whose threshold it exceeds. */
function offer(
  r: i32, j: i32, exclude_self: i32, k: i32, index: usize, similarity: usize, thresholds: usize, values: usize,
): void {
  for (let t = 0; t < 4; t++) {
    const lane = <usize>t << 2;
    const value = load<f32>(values + lane);
    if (!(value > load<f32>(thresholds + lane))) continue;
    if (exclude_self != 0 && j == r + t) continue;
    const skip = <usize>(r + t) * k << 2;
    sift_down(k, index + skip, similarity + skip, j, value);
    store<f32>(thresholds + lane, load<f32>(similarity + skip));
  }
}

/** Whether (value, i) ranks behind (other, j): a smaller product, or an equal one of a later row. */
// @ts-ignore: decorator
@inline
function ranks_behind(value: f32, i: i32, other: f32, j: i32): bool {
  return value < other || (value == other && i > j);
}

/** Replaces the root of a heap of n pairs, whose root ranks last, and restores the order. */
function sift_down(n: i32, index: usize, similarity: usize, i: i32, value: f32): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= n) break;
    let skip = <usize>child << 2;
    let childValue = load<f32>(similarity + skip);
    let childIndex = load<i32>(index + skip);
    if (child + 1 < n) {
      const otherValue = load<f32>(similarity + skip, 4);
      const otherIndex = load<i32>(index + skip, 4);
      if (ranks_behind(otherValue, otherIndex, childValue, childIndex)) {
        child++;
        childValue = otherValue;
        childIndex = otherIndex;
      }
    }
    if (!ranks_behind(childValue, childIndex, value, i)) break;
    store<f32>(similarity + (<usize>at << 2), childValue);
    store<i32>(index + (<usize>at << 2), childIndex);
    at = child;
  }
  store<f32>(similarity + (<usize>at << 2), value);
  store<i32>(index + (<usize>at << 2), i);
}

/** Best first: the root, which ranks last, moves behind the shrinking heap. */
function sort_heap(k: i32, index: usize, similarity: usize): void {
  for (let n = k - 1; n > 0; n--) {
    const skip = <usize>n << 2;
    const value = load<f32>(similarity + skip);
    const i = load<i32>(index + skip);
    store<f32>(similarity + skip, load<f32>(similarity));
    store<i32>(index + skip, load<i32>(index));
    sift_down(n, index, similarity, i, value);
  }
}
