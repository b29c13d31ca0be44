// Passes over the pixels of a map, channel by channel, that the normalisations share. A row of numbers per channel in
// working memory is rounded up to whole vectors.
import { add_square, keep_mask, load_part, madd, store_part } from "./lanes";
import { row_at } from "./rows";
import { fill_span } from "./span";

/** Pixels whose statistics are taken in registers, from the first cache, before they join the others. */
// @ts-ignore: decorator
@inline
const BLOCK_PIXELS: i32 = 32;

/** Channels, rounded up to whole vectors. */
// @ts-ignore: decorator
@inline
export function lane_count(channels: i32): i64 {
  return (<i64>channels + 3) & ~3;
}

// @ts-ignore: decorator
@inline
export function lane_bytes(channels: i32): usize {
  return <usize>((channels + 3) & ~3) << 2;
}

/** Mean and sum of squared distances from it, of every channel. Writes whole vectors. */
export function channel_moments(pixels: i32, bytes: usize, x: usize, ldx: i32, means: usize, squares: usize): void {
  for (let p = 0; p < pixels; p += BLOCK_PIXELS) {
    const count = min(BLOCK_PIXELS, pixels - p);
    const from = row_at(x, p, ldx);
    let c: usize = 0;
    for (; c + 32 <= bytes; c += 32) eight_moments(p, count, from + c, ldx, means + c, squares + c);
    for (; c < bytes; c += 16) four_moments(p, count, bytes - c, from + c, ldx, means + c, squares + c);
  }
}

/** Joins the moments of `count` further pixels to those of `before`, for eight channels. */
function eight_moments(before: i32, count: i32, x: usize, ldx: i32, means: usize, squares: usize): void {
  const step = <usize>ldx << 2;
  const stop = x + <usize>count * step;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  for (let from = x; from < stop; from += step) {
    s0 = f32x4.add(s0, v128.load(from));
    s1 = f32x4.add(s1, v128.load(from, 16));
  }
  const n = f32x4.splat(<f32>count);
  const m0 = f32x4.div(s0, n);
  const m1 = f32x4.div(s1, n);
  let q0 = f32x4.splat(0);
  let q1 = q0;
  for (let from = x; from < stop; from += step) {
    q0 = add_square(q0, f32x4.sub(v128.load(from), m0));
    q1 = add_square(q1, f32x4.sub(v128.load(from, 16), m1));
  }
  join(before, count, m0, q0, means, squares);
  join(before, count, m1, q1, means + 16, squares + 16);
}

/** The same for four channels, or for the `left` bytes of them that remain; the other lanes are zero. */
function four_moments(before: i32, count: i32, left: usize, x: usize, ldx: i32, means: usize, squares: usize): void {
  const zero = f32x4.splat(0);
  const step = <usize>ldx << 2;
  const stop = x + <usize>count * step;
  let sum = zero;
  for (let from = x; from < stop; from += step) sum = f32x4.add(sum, load_part(from, left, zero));
  const mean = f32x4.div(sum, f32x4.splat(<f32>count));
  let square = zero;
  for (let from = x; from < stop; from += step) square = add_square(square, f32x4.sub(load_part(from, left, zero), mean));
  join(before, count, mean, square, means, squares);
}

/** Moments of `count` numbers joined to those, in memory, of `before` numbers. */
// @ts-ignore: decorator
@inline
function join(before: i32, count: i32, mean: v128, square: v128, means: usize, squares: usize): void {
  if (before == 0) {
    v128.store(means, mean);
    v128.store(squares, square);
    return;
  }
  const share = <f32>count / <f32>(before + count);
  const old = v128.load(means);
  const distance = f32x4.sub(mean, old);
  v128.store(means, madd(old, distance, f32x4.splat(share)));
  const between = f32x4.mul(f32x4.mul(distance, distance), f32x4.splat(<f32>before * share));
  v128.store(squares, f32x4.add(v128.load(squares), f32x4.add(square, between)));
}

/** y = (x − center)·scale + bias for every pixel. Centers and scales are whole vectors. */
export function normalize(
  pixels: i32, bytes: usize, x: usize, ldx: i32, centers: usize, scales: usize, bias: usize, y: usize, ldy: i32,
): void {
  const zero = f32x4.splat(0);
  for (let p = 0; p < pixels; p++, x += <usize>ldx << 2, y += <usize>ldy << 2) {
    let c: usize = 0;
    for (; c + 32 <= bytes; c += 32) {
      const a = f32x4.mul(f32x4.sub(v128.load(x + c), v128.load(centers + c)), v128.load(scales + c));
      const b = f32x4.mul(f32x4.sub(v128.load(x + c, 16), v128.load(centers + c, 16)), v128.load(scales + c, 16));
      v128.store(y + c, f32x4.add(a, v128.load(bias + c)));
      v128.store(y + c, f32x4.add(b, v128.load(bias + c, 16)), 16);
    }
    for (; c < bytes; c += 16) {
      const left = bytes - c;
      const centered = f32x4.sub(load_part(x + c, left, zero), v128.load(centers + c));
      const a = f32x4.mul(centered, v128.load(scales + c));
      store_part(y + c, left, f32x4.add(a, load_part(bias + c, left, zero)));
    }
  }
}

/**
 * to[c] = Σ_p dy[p, c]·(x[p, c] − center[c])·rstd[c], and Σ_p dy[p, c] a plane of bytes further on. Centers and rstds are
 * whole vectors.
 */
export function channel_sums(
  pixels: i32, bytes: usize, x: usize, ldx: i32, dy: usize, lddy: i32, centers: usize, rstds: usize, to: usize,
  plane: usize,
): void {
  fill_span(<i32>(bytes >> 2), 0, to);
  fill_span(<i32>(bytes >> 2), 0, to + plane);
  for (let p = 0; p < pixels; p += BLOCK_PIXELS) {
    const count = min(BLOCK_PIXELS, pixels - p);
    const xp = row_at(x, p, ldx);
    const dyp = row_at(dy, p, lddy);
    for (let c: usize = 0; c < bytes; c += 16) {
      add_sums(count, bytes - c, xp + c, ldx, dyp + c, lddy, centers + c, rstds + c, to + c, plane);
    }
  }
}

/** Both sums over `count` pixels of four channels, or of the `left` bytes of them that remain, added to the totals. */
// @ts-ignore: decorator
@inline
function add_sums(
  count: i32, left: usize, x: usize, ldx: i32, dy: usize, lddy: i32, centers: usize, rstds: usize, to: usize,
  plane: usize,
): void {
  const zero = f32x4.splat(0);
  const center = v128.load(centers);
  const rstd = v128.load(rstds);
  let dot = zero;
  let sum = zero;
  if (left >= 16) {
    for (; count > 0; count--, x += <usize>ldx << 2, dy += <usize>lddy << 2) {
      const g = v128.load(dy);
      dot = madd(dot, g, f32x4.mul(f32x4.sub(v128.load(x), center), rstd));
      sum = f32x4.add(sum, g);
    }
  } else {
    for (; count > 0; count--, x += <usize>ldx << 2, dy += <usize>lddy << 2) {
      const g = load_part(dy, left, zero);
      dot = madd(dot, g, f32x4.mul(f32x4.sub(load_part(x, left, zero), center), rstd));
      sum = f32x4.add(sum, g);
    }
  }
  store_part(to, left, f32x4.add(load_part(to, left, zero), dot));
  store_part(to + plane, left, f32x4.add(load_part(to + plane, left, zero), sum));
}

/**
 * dx = dy·a − (x − μ)·b − d + β·dx for one pixel. `rows` holds μ, a, b, d of every channel, one row each, `step` bytes apart.
 */
// @ts-ignore: decorator
@inline
export function pixel_grad(bytes: usize, x: usize, dy: usize, rows: usize, step: usize, beta: f32, dx: usize): void {
  const zero = f32x4.splat(0);
  const keep = keep_mask(beta);
  let c: usize = 0;
  for (; c + 16 <= bytes; c += 16) {
    const at = rows + c;
    const pull = f32x4.mul(f32x4.sub(v128.load(x + c), v128.load(at)), v128.load(at + 2 * step));
    const push = f32x4.mul(v128.load(dy + c), v128.load(at + step));
    const v = f32x4.sub(f32x4.sub(push, pull), v128.load(at + 3 * step));
    v128.store(dx + c, f32x4.add(v, v128.and(v128.load(dx + c), keep)));
  }
  if (c < bytes) {
    const left = bytes - c;
    const at = rows + c;
    const pull = f32x4.mul(f32x4.sub(load_part(x + c, left, zero), v128.load(at)), v128.load(at + 2 * step));
    const push = f32x4.mul(load_part(dy + c, left, zero), v128.load(at + step));
    const v = f32x4.sub(f32x4.sub(push, pull), v128.load(at + 3 * step));
    store_part(dx + c, left, f32x4.add(v, v128.and(load_part(dx + c, left, zero), keep)));
  }
}
