import { expect_aligned, expect_at_least, expect_beta, expect_blocks, expect_range, expect_rows } from "./contract";
import { row_at, row_max, row_squares, row_sum } from "./rows";
import { add_span, copy_span, fill_span } from "./span";

/** Numbers per partial result of a reduction over everything. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 4096;

/**
 * y[b] = Σ x[i] for 4096·b ≤ i < min(4096·(b + 1), n)
 *
 * reads     x  f32[n], contiguous
 * writes    y  f32[blocks]
 * requires  blocks = ⌈n / 4096⌉; 0 ≤ begin ≤ end ≤ blocks
 * splits    over blocks, anywhere
 * error     at most 266 roundings per block, relative to the sum of absolute terms
 */
export function sum_blocks_f32(blocks: i32, n: i32, x: usize, y: usize, begin: i32, end: i32): void {
  expect_range(blocks, begin, end);
  expect_aligned(x | y);
  expect_blocks(blocks, n, BLOCK);
  for (let b = begin; b < end; b++) {
    const from = block_at(x, b);
    store<f32>(y + (<usize>b << 2), row_sum(from, block_end(x, b, n)));
  }
}

/**
 * y[b] = Σ x[i]² for 4096·b ≤ i < min(4096·(b + 1), n)
 *
 * reads     x  f32[n], contiguous
 * writes    y  f32[blocks]
 * requires  blocks = ⌈n / 4096⌉; 0 ≤ begin ≤ end ≤ blocks
 * splits    over blocks, anywhere
 * error     at most 266 roundings per block, relative to the sum of absolute terms
 */
export function squared_norm_blocks_f32(blocks: i32, n: i32, x: usize, y: usize, begin: i32, end: i32): void {
  expect_range(blocks, begin, end);
  expect_aligned(x | y);
  expect_blocks(blocks, n, BLOCK);
  for (let b = begin; b < end; b++) {
    const from = block_at(x, b);
    store<f32>(y + (<usize>b << 2), row_squares(from, block_end(x, b, n)));
  }
}

/**
 * y[b] = max x[i] for 4096·b ≤ i < min(4096·(b + 1), n); a NaN is never larger
 *
 * reads     x  f32[n], contiguous
 * writes    y  f32[blocks]
 * requires  blocks = ⌈n / 4096⌉; 0 ≤ begin ≤ end ≤ blocks
 * splits    over blocks, anywhere
 * error     none
 */
export function max_blocks_f32(blocks: i32, n: i32, x: usize, y: usize, begin: i32, end: i32): void {
  expect_range(blocks, begin, end);
  expect_aligned(x | y);
  expect_blocks(blocks, n, BLOCK);
  for (let b = begin; b < end; b++) {
    const from = block_at(x, b);
    store<f32>(y + (<usize>b << 2), row_max(from, block_end(x, b, n)));
  }
}

// @ts-ignore: decorator
@inline
function block_at(x: usize, b: i32): usize {
  return x + (<usize>(b * BLOCK) << 2);
}

// @ts-ignore: decorator
@inline
function block_end(x: usize, b: i32, n: i32): usize {
  return x + (<usize>min(b * BLOCK + BLOCK, n) << 2);
}

/**
 * y[c] = Σ_r x[r, c] + β·y[c]          gradient of a row that was added to every row
 *
 * reads     x  f32[rows, cols], row stride ldx
 * writes    y  f32[cols]
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ cols
 * splits    over cols, anywhere
 * error     one rounding per row, relative to the sum of absolute terms
 */
export function column_sum_f32(
  cols: i32,
  rows: i32,
  x: usize,
  ldx: i32,
  beta: f32,
  y: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(cols, begin, end);
  expect_aligned(x | y);
  expect_rows(rows, cols, ldx);
  expect_beta(beta);
  const skip = (<usize>begin) << 2;
  sum_rows(end - begin, rows, x + skip, (<usize>ldx) << 2, beta, y + skip);
}

/** Bytes of a page, within which memory is prefetched along one run only. */
// @ts-ignore: decorator
@inline
const PAGE_BYTES: usize = 4096;

/** A matrix of this size is taken to lie in a cache. */
// @ts-ignore: decorator
@inline
const CACHED_BYTES: usize = 8 << 20;

/**
 * y[c] = Σ_r x[r, c] + β·y[c] for n columns. Eight rows are read side by side, so that y is touched once for the eight; but
 * short rows that come from memory are read one after the other, since several runs in one page defeat its prefetch. The
 * choice hangs on the matrix alone, never on the range of columns, so results do not depend on how columns are split.
 */
export function sum_rows(n: i32, rows: i32, x: usize, rowBytes: usize, beta: f32, y: usize): void {
  const sideBySide = rowBytes >= PAGE_BYTES || <usize>rows * rowBytes <= CACHED_BYTES;
  let r = 0;
  if (beta == 0) {
    if (rows == 0) return fill_span(n, 0, y);
    copy_span(n, x, y);
    r = 1;
  }
  if (sideBySide) for (; r + 8 <= rows; r += 8) add_eight_rows(n, x + <usize>r * rowBytes, rowBytes, y);
  for (; r < rows; r++) add_span(n, y, x + <usize>r * rowBytes, y);
}

function add_eight_rows(n: i32, x: usize, rowBytes: usize, y: usize): void {
  const stop = y + (<usize>n << 2);
  const half = rowBytes << 2;
  for (; y + 16 <= stop; x += 16, y += 16) {
    const sum = f32x4.add(add_four_vectors(x, rowBytes), add_four_vectors(x + half, rowBytes));
    v128.store(y, f32x4.add(v128.load(y), sum));
  }
  for (; y < stop; x += 4, y += 4) {
    const sum = add_four_numbers(x, rowBytes) + add_four_numbers(x + half, rowBytes);
    store<f32>(y, load<f32>(y) + sum);
  }
}

// @ts-ignore: decorator
@inline
function add_four_vectors(x: usize, rowBytes: usize): v128 {
  const third = x + (rowBytes << 1);
  const low = f32x4.add(v128.load(x), v128.load(x + rowBytes));
  return f32x4.add(low, f32x4.add(v128.load(third), v128.load(third + rowBytes)));
}

// @ts-ignore: decorator
@inline
function add_four_numbers(x: usize, rowBytes: usize): f32 {
  const third = x + (rowBytes << 1);
  const low = load<f32>(x) + load<f32>(x + rowBytes);
  return low + (load<f32>(third) + load<f32>(third + rowBytes));
}

/**
 * y[r] = the first c with the largest x[r, c]; 0 if no number is larger than −∞
 *
 * reads     x  f32[rows, cols], row stride ldx
 * writes    y  i32[rows]
 * requires  cols ≥ 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none
 */
export function argmax_rows_f32(rows: i32, cols: i32, x: usize, ldx: i32, y: usize, begin: i32, end: i32): void {
  expect_range(rows, begin, end);
  expect_aligned(x | y);
  expect_at_least(cols, 1);
  expect_rows(rows, cols, ldx);
  for (let r = begin; r < end; r++) {
    store<i32>(y + ((<usize>r) << 2), argmax(cols, row_at(x, r, ldx)));
  }
}

function argmax(n: i32, x: usize): i32 {
  // Two chains of four lanes; each lane keeps the first of its largest numbers.
  const step = i32x4.splat(8);
  let at0 = i32x4(0, 1, 2, 3);
  let at1 = i32x4(4, 5, 6, 7);
  let most0 = f32x4.splat(-Infinity);
  let most1 = most0;
  let where0 = i32x4.splat(0);
  let where1 = where0;
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const p = x + ((<usize>i) << 2);
    const a = v128.load(p);
    const b = v128.load(p, 16);
    where0 = v128.bitselect(at0, where0, f32x4.gt(a, most0));
    where1 = v128.bitselect(at1, where1, f32x4.gt(b, most1));
    most0 = f32x4.pmax(most0, a);
    most1 = f32x4.pmax(most1, b);
    at0 = i32x4.add(at0, step);
    at1 = i32x4.add(at1, step);
  }
  // Between lanes the larger number wins, and of equal ones the earlier index.
  const earlier = v128.and(f32x4.eq(most1, most0), i32x4.lt_s(where1, where0));
  const other = v128.or(f32x4.gt(most1, most0), earlier);
  where0 = v128.bitselect(where1, where0, other);
  most0 = v128.bitselect(most1, most0, other);
  let most = f32x4.extract_lane(most0, 0);
  let where = i32x4.extract_lane(where0, 0);
  for (let lane = 1; lane < 4; lane++) {
    most0 = v128.shuffle<f32>(most0, most0, 1, 2, 3, 0);
    where0 = v128.shuffle<i32>(where0, where0, 1, 2, 3, 0);
    const value = f32x4.extract_lane(most0, 0);
    const index = i32x4.extract_lane(where0, 0);
    if (value > most || (value == most && index < where)) {
      most = value;
      where = index;
    }
  }
  for (; i < n; i++) {
    const value = load<f32>(x + ((<usize>i) << 2));
    if (value > most) {
      most = value;
      where = i;
    }
  }
  return where;
}
