// Four lanes at a time, over runs of numbers whose length need not be a multiple of four.

/** The four numbers at p; when only `left` < 16 bytes remain, those, and `fill` in the lanes past them. */
// @ts-ignore: decorator
@inline
export function load_part(p: usize, left: usize, fill: v128): v128 {
  if (left >= 16) return v128.load(p);
  let v = v128.load32_lane(p, fill, 0);
  if (left > 4) v = v128.load32_lane(p, v, 1, 4);
  if (left > 8) v = v128.load32_lane(p, v, 2, 8);
  return v;
}

/** Stores the lanes that load_part read. */
// @ts-ignore: decorator
@inline
export function store_part(p: usize, left: usize, v: v128): void {
  if (left >= 16) {
    v128.store(p, v);
    return;
  }
  v128.store32_lane(p, v, 0);
  if (left > 4) v128.store32_lane(p, v, 1, 4);
  if (left > 8) v128.store32_lane(p, v, 2, 8);
}

/**
 * β as a mask: v + (old AND mask) is v + β·old without a branch, and β = 0 cuts out whatever lies in memory, NaN too.
 */
// @ts-ignore: decorator
@inline
export function keep_mask(beta: f32): v128 {
  return i32x4.splat(beta == 0 ? 0 : -1);
}

/** sum + x·y: rounded twice, or as the host likes in the relaxed build. */
// @ts-ignore: decorator
@inline
export function madd(sum: v128, x: v128, y: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(x, y, sum);
  return f32x4.add(sum, f32x4.mul(x, y));
}

/** sum + x² */
// @ts-ignore: decorator
@inline
export function add_square(sum: v128, x: v128): v128 {
  return madd(sum, x, x);
}

/** The sum of the lanes, in every lane. */
// @ts-ignore: decorator
@inline
export function sum_lanes(v: v128): v128 {
  const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 1, 0, 3, 2));
  return f32x4.add(pairs, v128.shuffle<f32>(pairs, pairs, 2, 3, 0, 1));
}

/** The largest lane, in every lane; no lane may be NaN. */
// @ts-ignore: decorator
@inline
export function max_lanes(v: v128): v128 {
  const pairs = f32x4.pmax(v, v128.shuffle<f32>(v, v, 1, 0, 3, 2));
  return f32x4.pmax(pairs, v128.shuffle<f32>(pairs, pairs, 2, 3, 0, 1));
}

// @ts-ignore: decorator
@inline
export function horizontal_sum(v: v128): f32 {
  return f32x4.extract_lane(sum_lanes(v), 0);
}

/** The largest lane; no lane may be NaN. */
// @ts-ignore: decorator
@inline
export function horizontal_max(v: v128): f32 {
  return f32x4.extract_lane(max_lanes(v), 0);
}

/** The larger of the two; a NaN in first place stays, one in second place is passed over. */
// @ts-ignore: decorator
@inline
export function larger(a: f32, b: f32): f32 {
  return a < b ? b : a;
}
