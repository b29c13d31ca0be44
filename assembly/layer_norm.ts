import { expect_aligned, expect_at_least, expect_beta, expect_range, expect_rows } from "./contract";
import { add_square, horizontal_sum, keep_mask, load_part, madd, store_part } from "./lanes";
import { row_at, row_sum } from "./rows";

/** Rows whose products are summed in registers before they join the total: see layer_norm_grad_weight_f32. */
// @ts-ignore: decorator
@inline
const BLOCK_ROWS: i32 = 32;

/** Rows that go through one pass before the next begins: a pass over one row need not wait for the result of the last. */
// @ts-ignore: decorator
@inline
const ROWS_AT_ONCE: i32 = 4;

/**
 * y[r, c] = (x[r, c] − μ_r) / σ_r · weight[c] + bias[c]          σ_r² = mean over c of (x[r, c] − μ_r)², plus ε
 *
 * reads     x  f32[rows, cols], row stride ldx
 *           weight, bias  f32[cols]
 * writes    y  f32[rows, cols], row stride ldy; may be x itself
 *           stats  f32[rows, 2]: μ and 1/σ
 * requires  cols ≥ 1; ε ≥ 0; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     at most cols / 16 + 10 roundings of the largest |x|/σ
 */
export function layer_norm_f32(
  rows: i32, cols: i32, x: usize, ldx: i32, eps: f32, weight: usize, bias: usize, y: usize, ldy: i32, stats: usize,
  begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | weight | bias | y | stats);
  expect_at_least(cols, 1);
  expect_rows(rows, cols, ldx);
  expect_rows(rows, cols, ldy);
  assert(eps >= 0);
  const bytes = <usize>cols << 2;
  const n = <f32>cols;
  for (let first = begin; first < end; first += ROWS_AT_ONCE) {
    const last = min(first + ROWS_AT_ONCE, end);
    for (let r = first; r < last; r++) {
      const from = row_at(x, r, ldx);
      store<f32>(stats + (<usize>r << 3), row_sum(from, from + bytes) / n);
    }
    for (let r = first; r < last; r++) {
      const from = row_at(x, r, ldx);
      const squares = squared_distance(from, from + bytes, load<f32>(stats + (<usize>r << 3)));
      store<f32>(stats + (<usize>r << 3), <f32>1 / sqrt<f32>(squares / n + eps), 4);
    }
    for (let r = first; r < last; r++) {
      const from = row_at(x, r, ldx);
      const mean = load<f32>(stats + (<usize>r << 3));
      const rstd = load<f32>(stats + (<usize>r << 3), 4);
      normalize(from, from + bytes, mean, rstd, weight, bias, row_at(y, r, ldy));
    }
  }
}

/**
 * dx[r, c] = (g[c] − mean g − x̂[c] · mean(g·x̂)) / σ_r + β·dx[r, c]          g = dy[r]·weight, x̂ = (x[r] − μ_r) / σ_r
 *
 * reads     x, dy  f32[rows, cols], row strides ldx, lddy
 *           stats   f32[rows, 2], from layer_norm_f32
 *           weight  f32[cols]
 * writes    dx  f32[rows, cols], row stride lddx; may be dy itself
 * requires  cols ≥ 1; β is 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     at most cols / 8 + 10 roundings of the largest term
 */
export function layer_norm_grad_input_f32(
  rows: i32, cols: i32, x: usize, ldx: i32, stats: usize, weight: usize, dy: usize, lddy: i32, beta: f32, dx: usize,
  lddx: i32, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | stats | weight | dy | dx);
  expect_at_least(cols, 1);
  expect_rows(rows, cols, ldx);
  expect_rows(rows, cols, lddy);
  expect_rows(rows, cols, lddx);
  expect_beta(beta);
  const bytes = <usize>cols << 2;
  for (let r = begin; r < end; r++) {
    const mean = load<f32>(stats + (<usize>r << 3));
    const rstd = load<f32>(stats + (<usize>r << 3), 4);
    const from = row_at(x, r, ldx);
    input_row_grad(from, from + bytes, <f32>cols, mean, rstd, weight, row_at(dy, r, lddy), beta, row_at(dx, r, lddx));
  }
}

/**
 * dweight[c] = Σ_r dy[r, c]·(x[r, c] − μ_r) / σ_r + β_weight·dweight[c]
 * dbias[c]   = Σ_r dy[r, c] + β_bias·dbias[c]
 *
 * reads     x, dy  f32[rows, cols], row strides ldx, lddy
 *           stats  f32[rows, 2], from layer_norm_f32
 * writes    dweight, dbias  f32[cols]
 * requires  β_weight, β_bias are 0 or 1; 0 ≤ begin ≤ end ≤ cols
 * splits    over cols, anywhere
 * error     at most rows / 32 + 35 roundings of the largest term
 */
export function layer_norm_grad_weight_f32(
  cols: i32, rows: i32, x: usize, ldx: i32, stats: usize, dy: usize, lddy: i32, beta_weight: f32, dweight: usize,
  beta_bias: f32, dbias: usize, begin: i32, end: i32,
): void {
  expect_range(cols, begin, end);
  expect_aligned(x | stats | dy | dweight | dbias);
  expect_rows(rows, cols, ldx);
  expect_rows(rows, cols, lddy);
  expect_beta(beta_weight);
  expect_beta(beta_bias);
  const skip = <usize>begin << 2;
  const bytes = <usize>(end - begin) << 2;
  dweight += skip;
  dbias += skip;
  for (let r = 0; r < max(rows, 1); r += BLOCK_ROWS) {
    const height = min(rows - r, BLOCK_ROWS);
    const keepWeight = r == 0 ? beta_weight : 1;
    const keepBias = r == 0 ? beta_bias : 1;
    const xr = row_at(x, r, ldx) + skip;
    const gr = row_at(dy, r, lddy) + skip;
    const statsr = stats + (<usize>r << 3);
    let c: usize = 0;
    for (; c + 64 <= bytes; c += 64) {
      sixteen_columns(height, xr + c, ldx, statsr, gr + c, lddy, keepWeight, dweight + c, keepBias, dbias + c);
    }
    for (; c < bytes; c += 16) {
      four_columns(height, bytes - c, xr + c, ldx, statsr, gr + c, lddy, keepWeight, dweight + c, keepBias, dbias + c);
    }
  }
}

/** Σ (x − mean)² */
function squared_distance(x: usize, stop: usize, mean: f32): f32 {
  const center = f32x4.splat(mean);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  if (x + 64 <= stop) {
    do {
      s0 = add_square(s0, f32x4.sub(v128.load(x), center));
      s1 = add_square(s1, f32x4.sub(v128.load(x, 16), center));
      s2 = add_square(s2, f32x4.sub(v128.load(x, 32), center));
      s3 = add_square(s3, f32x4.sub(v128.load(x, 48), center));
      x += 64;
    } while (x + 64 <= stop);
  }
  for (; x < stop; x += 16) s0 = add_square(s0, f32x4.sub(load_part(x, stop - x, center), center));
  return horizontal_sum(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** y = (x − mean)·rstd·weight + bias */
function normalize(x: usize, stop: usize, mean: f32, rstd: f32, weight: usize, bias: usize, y: usize): void {
  const zero = f32x4.splat(0);
  const center = f32x4.splat(mean);
  const scale = f32x4.splat(rstd);
  if (x + 32 <= stop) {
    do {
      const a = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x), center), scale), v128.load(weight));
      const b = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x, 16), center), scale), v128.load(weight, 16));
      v128.store(y, f32x4.add(a, v128.load(bias)));
      v128.store(y, f32x4.add(b, v128.load(bias, 16)), 16);
      x += 32;
      weight += 32;
      bias += 32;
      y += 32;
    } while (x + 32 <= stop);
  }
  for (; x < stop; x += 16, weight += 16, bias += 16, y += 16) {
    const left = stop - x;
    const a = f32x4.mul(f32x4.mul(f32x4.sub(load_part(x, left, zero), center), scale), load_part(weight, left, zero));
    store_part(y, left, f32x4.add(a, load_part(bias, left, zero)));
  }
}

/** One row of layer_norm_grad_input_f32. */
function input_row_grad(
  x: usize, stop: usize, n: f32, mean: f32, rstd: f32, weight: usize, dy: usize, beta: f32, dx: usize,
): void {
  const zero = f32x4.splat(0);
  const keep = keep_mask(beta);
  const center = f32x4.splat(mean);
  const scale = f32x4.splat(rstd);
  const bytes = stop - x;
  const whole = bytes & ~31;
  let sum0 = zero;
  let sum1 = zero;
  let dot0 = zero;
  let dot1 = zero;
  let at: usize = 0;
  if (whole != 0) {
    do {
      const g0 = f32x4.mul(v128.load(dy + at), v128.load(weight + at));
      const g1 = f32x4.mul(v128.load(dy + at, 16), v128.load(weight + at, 16));
      sum0 = f32x4.add(sum0, g0);
      sum1 = f32x4.add(sum1, g1);
      dot0 = madd(dot0, g0, f32x4.sub(v128.load(x + at), center));
      dot1 = madd(dot1, g1, f32x4.sub(v128.load(x + at, 16), center));
      at += 32;
    } while (at != whole);
  }
  for (; at < bytes; at += 16) {
    const left = bytes - at;
    const g = f32x4.mul(load_part(dy + at, left, zero), load_part(weight + at, left, zero));
    sum0 = f32x4.add(sum0, g);
    dot0 = madd(dot0, g, f32x4.sub(load_part(x + at, left, center), center));
  }
  // Σ g·x̂ and x̂ hold 1/σ each; both are taken together as one factor of x − μ.
  const meanG = f32x4.splat(horizontal_sum(f32x4.add(sum0, sum1)) / n);
  const slope = f32x4.splat((horizontal_sum(f32x4.add(dot0, dot1)) / n) * rstd * rstd);
  at = 0;
  if (whole != 0) {
    do {
      const g0 = f32x4.sub(f32x4.mul(v128.load(dy + at), v128.load(weight + at)), meanG);
      const g1 = f32x4.sub(f32x4.mul(v128.load(dy + at, 16), v128.load(weight + at, 16)), meanG);
      const v0 = f32x4.sub(g0, f32x4.mul(f32x4.sub(v128.load(x + at), center), slope));
      const v1 = f32x4.sub(g1, f32x4.mul(f32x4.sub(v128.load(x + at, 16), center), slope));
      const old0 = v128.and(v128.load(dx + at), keep);
      const old1 = v128.and(v128.load(dx + at, 16), keep);
      v128.store(dx + at, f32x4.add(f32x4.mul(v0, scale), old0));
      v128.store(dx + at, f32x4.add(f32x4.mul(v1, scale), old1), 16);
      at += 32;
    } while (at != whole);
  }
  for (; at < bytes; at += 16) {
    const left = bytes - at;
    const g = f32x4.sub(f32x4.mul(load_part(dy + at, left, zero), load_part(weight + at, left, zero)), meanG);
    const v = f32x4.sub(g, f32x4.mul(f32x4.sub(load_part(x + at, left, zero), center), slope));
    const old = v128.and(load_part(dx + at, left, zero), keep);
    store_part(dx + at, left, f32x4.add(f32x4.mul(v, scale), old));
  }
}

/** dweight and dbias of sixteen columns over a block of rows. */
function sixteen_columns(
  rows: i32, x: usize, ldx: i32, stats: usize, dy: usize, lddy: i32, betaWeight: f32, dweight: usize, betaBias: f32,
  dbias: usize,
): void {
  let w0 = f32x4.splat(0);
  let w1 = w0;
  let w2 = w0;
  let w3 = w0;
  let b0 = w0;
  let b1 = w0;
  let b2 = w0;
  let b3 = w0;
  for (let r = 0; r < rows; r++) {
    const mean = v128.load32_splat(stats);
    const rstd = v128.load32_splat(stats, 4);
    const g0 = v128.load(dy);
    const g1 = v128.load(dy, 16);
    const g2 = v128.load(dy, 32);
    const g3 = v128.load(dy, 48);
    w0 = f32x4.add(w0, f32x4.mul(g0, f32x4.mul(f32x4.sub(v128.load(x), mean), rstd)));
    w1 = f32x4.add(w1, f32x4.mul(g1, f32x4.mul(f32x4.sub(v128.load(x, 16), mean), rstd)));
    w2 = f32x4.add(w2, f32x4.mul(g2, f32x4.mul(f32x4.sub(v128.load(x, 32), mean), rstd)));
    w3 = f32x4.add(w3, f32x4.mul(g3, f32x4.mul(f32x4.sub(v128.load(x, 48), mean), rstd)));
    b0 = f32x4.add(b0, g0);
    b1 = f32x4.add(b1, g1);
    b2 = f32x4.add(b2, g2);
    b3 = f32x4.add(b3, g3);
    stats += 8;
    x += <usize>ldx << 2;
    dy += <usize>lddy << 2;
  }
  add_to(dweight, w0, keep_mask(betaWeight));
  add_to(dweight + 16, w1, keep_mask(betaWeight));
  add_to(dweight + 32, w2, keep_mask(betaWeight));
  add_to(dweight + 48, w3, keep_mask(betaWeight));
  add_to(dbias, b0, keep_mask(betaBias));
  add_to(dbias + 16, b1, keep_mask(betaBias));
  add_to(dbias + 32, b2, keep_mask(betaBias));
  add_to(dbias + 48, b3, keep_mask(betaBias));
}

// @ts-ignore: decorator
@inline
function add_to(p: usize, v: v128, keep: v128): void {
  v128.store(p, f32x4.add(v, v128.and(v128.load(p), keep)));
}

/** dweight and dbias of four columns, or of the `left` bytes of them that remain, over a block of rows. */
function four_columns(
  rows: i32, left: usize, x: usize, ldx: i32, stats: usize, dy: usize, lddy: i32, betaWeight: f32, dweight: usize,
  betaBias: f32, dbias: usize,
): void {
  const zero = f32x4.splat(0);
  let w = zero;
  let b = zero;
  for (let r = 0; r < rows; r++) {
    const mean = v128.load32_splat(stats);
    const rstd = v128.load32_splat(stats, 4);
    const g = load_part(dy, left, zero);
    w = f32x4.add(w, f32x4.mul(g, f32x4.mul(f32x4.sub(load_part(x, left, zero), mean), rstd)));
    b = f32x4.add(b, g);
    stats += 8;
    x += <usize>ldx << 2;
    dy += <usize>lddy << 2;
  }
  store_part(dweight, left, f32x4.add(w, v128.and(load_part(dweight, left, zero), keep_mask(betaWeight))));
  store_part(dbias, left, f32x4.add(b, v128.and(load_part(dbias, left, zero), keep_mask(betaBias))));
}
