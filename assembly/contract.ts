// What kernels require of their callers: the `requires` line of each, and what holds for all: 32-bit numbers lie at
// multiples of four, sizes are not negative, rows do not overlap. The `checked` build traps where a requirement is
// broken, and its stack names the expectation and the kernel. In the release build --noAssert leaves nothing of these
// functions; those that could trap on their own, by a load or a division, return at once there, since the compiler
// keeps what can trap.

/** 0 ≤ begin ≤ end ≤ n: a part of the parallel axis. */
export function expect_range(n: i32, begin: i32, end: i32): void {
  assert(0 <= begin);
  assert(begin <= end);
  assert(end <= n);
}

/** Addresses of 32-bit numbers; of several at once as a | b | c. An address of 0 stands for an absent argument. */
export function expect_aligned(addresses: usize): void {
  assert((addresses & 3) == 0);
}

/** Numbers that are not negative; of several at once as a | b | c. */
export function expect_sizes(sizes: i32): void {
  assert(sizes >= 0);
}

/** Rows of a matrix that do not overlap. */
export function expect_rows(rows: i32, cols: i32, ld: i32): void {
  assert((rows | cols) >= 0);
  assert(rows <= 1 || ld >= cols);
}

/** n elements at different addresses. */
export function expect_distinct(n: i32, stride: i32): void {
  assert(n >= 0);
  assert(n <= 1 || stride > 0);
}

/** 0 to overwrite or 1 to accumulate. */
export function expect_beta(beta: f32): void {
  assert(beta == 0 || beta == 1);
}

/** x > 0; a NaN is refused too. */
export function expect_positive(x: f32): void {
  assert(x > 0);
}

/** x ≥ least */
export function expect_at_least(x: i32, least: i32): void {
  assert(x >= least);
}

/** x ≤ most */
export function expect_at_most(x: i32, most: i32): void {
  assert(x <= most);
}

/** 0 ≤ x < 256 */
export function expect_byte(x: i32): void {
  assert(0 <= x && x < 256);
}

/** blocks = ⌈n / size⌉ */
export function expect_blocks(blocks: i32, n: i32, size: i32): void {
  assert(n >= 0);
  assert(n <= blocks * size && n > (blocks - 1) * size);
}

/** `part` is at least 1 and divides `whole`. */
export function expect_divisor(part: i32, whole: i32): void {
  if (ASC_NO_ASSERT) return;
  assert(part >= 1);
  assert(whole % part == 0);
}

/** Two stretches of memory that share no byte. */
export function expect_apart(a: usize, aBytes: i32, b: usize, bBytes: i32): void {
  assert(aBytes <= 0 || bBytes <= 0 || a + aBytes <= b || b + bBytes <= a);
}

/** Bytes of working memory that each thread has. */
// @ts-ignore: decorator
@inline
export const SCRATCH_BYTES: i64 = 4 << 20;

/** Working memory that starts a cache line and holds `count` 32-bit numbers. */
export function expect_scratch(scratch: usize, count: i64): void {
  assert((scratch & 63) == 0);
  assert(count << 2 <= SCRATCH_BYTES);
}

/** The limit of indices into something whose length a kernel is not told. */
// @ts-ignore: decorator
@inline
export const UNKNOWN: i32 = 0x7fffffff;

/** n integers i with low ≤ i < limit, or no list. */
export function expect_indices(n: i32, list: usize, low: i32, limit: i32): void {
  if (ASC_NO_ASSERT || list == 0) return;
  for (const stop = list + (<usize>n << 2); list < stop; list += 4) {
    const i = load<i32>(list);
    assert(low <= i && i < limit);
  }
}

/** n pairs (first, count) that name at most `most` neighbours from a place that is not negative. */
export function expect_bounds(n: i32, bounds: usize, most: i32): void {
  if (ASC_NO_ASSERT) return;
  for (const stop = bounds + (<usize>n << 3); bounds < stop; bounds += 8) {
    assert(load<i32>(bounds) >= 0);
    assert(<u32>load<i32>(bounds, 4) <= <u32>most);
  }
}

/** n numbers of which none is below 0; NaN passes. */
export function expect_none_negative(n: i32, x: usize): void {
  if (ASC_NO_ASSERT) return;
  for (const stop = x + (<usize>n << 2); x < stop; x += 4) assert(!(load<f32>(x) < 0));
}
