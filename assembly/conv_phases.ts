// The input gradient of a convolution with a stride over few channels. Each phase of the stride alone would use three of
// eight lanes of a register tile (ops/conv-phase.ts); so the phases are joined: the stride × stride pixels of dx that
// belong to one place are outputs of one product over what they see of dy. A plan (ops/conv-joined.ts) says which outputs
// see which gradients, so that few zeros are multiplied. What neighbours see overlaps, and so is read where it lies.
import { expect_aligned, expect_at_most, expect_beta, expect_range, expect_scratch, expect_sizes } from "./contract";
import { madd } from "./lanes";
import { copy_span, fill_span } from "./span";
import { expect_window, field, Window } from "./window";

/** The numbers that a plan begins with, i32 each: rows and columns of dy from FIRST on, relative to a place. */
const enum Plan {
  FIRST_ROW,
  ROWS,
  FIRST_COLUMN,
  COLUMNS,
  SIZE,
}

/**
 * The numbers of a segment, which follow. Through TAPS columns of dy from COLUMN on, in row ROW, relative to a place, the
 * outputs LANE_i … LANE_i + 3 are seen, for two or three i. Output (r·STRIDE_X + s)·inputs + c of a place is channel c of
 * pixel (r, s).
 */
const enum Segment {
  ROW,
  COLUMN,
  TAPS,
  VECTORS,
  LANE_0,
  LANE_1,
  LANE_2,
  /** Where its weights begin, in elements. */
  WEIGHTS,
  SIZE,
}

/** Places past the last that a register tile may reach. */
// @ts-ignore: decorator
@inline
const SLACK: i32 = 4;

/** The most rows of dy that a place sees. */
// @ts-ignore: decorator
@inline
const MOST_ROWS: i32 = 64;

/** Scratch: which row of dy each slot holds, then the sums of one line of places, then rows of dy with zeros beside them. */
// @ts-ignore: decorator
@inline
const SUMS_AT: usize = <usize>MOST_ROWS << 2;

// @ts-ignore: decorator
@inline
function of_plan(plan: usize, name: i32): i32 {
  return load<i32>(plan + (<usize>name << 2));
}

/** Bytes from one place to the next among the sums: all outputs, and a vector that takes what is too much. */
// @ts-ignore: decorator
@inline
function sum_bytes(inputs: i32, window: usize): usize {
  const n = field(window, Window.STRIDE_Y) * field(window, Window.STRIDE_X) * inputs;
  return <usize>((n + 7) & ~3) << 2;
}

/** Bytes of a row of dy with zeros beside it. */
// @ts-ignore: decorator
@inline
function row_bytes(across: i32, outputs: i32, plan: usize): usize {
  return (<usize>(across + SLACK + of_plan(plan, Plan.COLUMNS)) * <usize>outputs) << 2;
}

/**
 * dx[pixel, c] = Σ_{o, taps} dy[what sees the pixel, o]·w[o, c, tap] + β·dx[pixel, c]          phases of a stride, joined
 *
 * reads     dy  f32[images, ROWS, COLUMNS, outputs] with the strides OUT_IMAGE, OUT_ROW, OUT_PIXEL
 *           window  i32[16] of the convolution, see window.ts; plan  i32, see above
 *           packed  f32 by conv_phases_weight_f32, for each segment [TAPS·outputs, 4·VECTORS]
 * writes    dx  f32[images, HEIGHT, WIDTH, inputs], PIXEL elements from pixel to pixel
 * requires  lines = images·⌈HEIGHT / STRIDE_Y⌉; STEP is 1; what the plan names lies in its rows and columns; β is 0 or 1;
 *           0 ≤ begin ≤ end ≤ lines
 * splits    over lines, anywhere
 * error     TAPS·outputs + segments + 2 roundings per element, relative to the sum of absolute terms
 */
export function conv_phases_f32(
  lines: i32, inputs: i32, outputs: i32, segments: i32, window: usize, plan: usize, dy: usize, packed: usize, beta: f32,
  dx: usize, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(lines, begin, end);
  expect_window(window, 0, inputs);
  assert(field(window, Window.STEP_Y) == 1 && field(window, Window.STEP_X) == 1);
  expect_aligned(dy | packed | dx | plan);
  expect_sizes(outputs | segments);
  expect_beta(beta);
  const held = of_plan(plan, Plan.ROWS);
  expect_at_most(held, MOST_ROWS);
  const strideX = field(window, Window.STRIDE_X);
  const strideY = field(window, Window.STRIDE_Y);
  const across = (field(window, Window.WIDTH) + strideX - 1) / strideX;
  const down = (field(window, Window.HEIGHT) + strideY - 1) / strideY;
  const sumBytes = sum_bytes(inputs, window);
  const sums = scratch + SUMS_AT;
  const rows = sums + <usize>(across + SLACK) * sumBytes;
  const rowBytes = row_bytes(across, outputs, plan);
  expect_scratch(scratch, <i64>(rows - scratch + <usize>held * rowBytes) >> 2);
  for (let i = 0; i < held; i++) store<i32>(scratch + (<usize>i << 2), -1);
  for (let line = begin; line < end; line++) {
    const image = line / down;
    const row = line - image * down;
    for (let at = sums; at < rows; at += 16) v128.store(at, i32x4.splat(0));
    let segment = plan + (<usize>Plan.SIZE << 2);
    for (let s = 0; s < segments; s++, segment += <usize>Segment.SIZE << 2) {
      const y = row + of_plan(segment, Segment.ROW);
      if (<u32>y >= <u32>field(window, Window.ROWS)) continue;
      const slot = (image * field(window, Window.ROWS) + y) % held;
      const source = rows + <usize>slot * rowBytes;
      if (load<i32>(scratch + (<usize>slot << 2)) != image * field(window, Window.ROWS) + y) {
        store<i32>(scratch + (<usize>slot << 2), image * field(window, Window.ROWS) + y);
        const from = <usize>image * field(window, Window.OUT_IMAGE) + <usize>y * field(window, Window.OUT_ROW);
        pad_row(outputs, window, of_plan(plan, Plan.FIRST_COLUMN), dy + (from << 2), source, source + rowBytes);
      }
      times_segment(across, outputs, of_plan(plan, Plan.FIRST_COLUMN), segment, source, packed, sums, sumBytes);
    }
    put_line(image, row, inputs, window, sums, sumBytes, beta != 0, dx);
  }
}

/** One row of dy from column `first` on, zeros where there is none, up to `stop`. */
function pad_row(outputs: i32, window: usize, first: i32, from: usize, to: usize, stop: usize): void {
  const pixelBytes = <usize>field(window, Window.OUT_PIXEL) << 2;
  const bytes = <usize>outputs << 2;
  if (bytes == 0) return;
  const count = <i32>((stop - to) / bytes);
  const before = min(max(-first, 0), count);
  const inside = max(min(field(window, Window.COLUMNS) - first, count), before);
  fill_span(before * outputs, 0, to);
  fill_span((count - inside) * outputs, 0, to + <usize>inside * bytes);
  to += <usize>before * bytes;
  from += <usize>(first + before) * pixelBytes;
  if (pixelBytes == bytes) copy_span((inside - before) * outputs, from, to);
  else for (let x = before; x < inside; x++, from += pixelBytes, to += bytes) copy_span(outputs, from, to);
}

/** What a line of places sees through the taps of a segment, times its weights, added to the sums. */
function times_segment(
  across: i32, outputs: i32, first: i32, segment: usize, source: usize, packed: usize, sums: usize, sumBytes: usize,
): void {
  const pixelBytes = <usize>outputs << 2;
  const k = of_plan(segment, Segment.TAPS) * outputs;
  const b = packed + (<usize>of_plan(segment, Segment.WEIGHTS) << 2);
  const lane0 = <usize>of_plan(segment, Segment.LANE_0) << 2;
  const lane1 = <usize>of_plan(segment, Segment.LANE_1) << 2;
  let a = source + <usize>(of_plan(segment, Segment.COLUMN) - first) * pixelBytes;
  if (of_plan(segment, Segment.VECTORS) == 3) {
    const lane2 = <usize>of_plan(segment, Segment.LANE_2) << 2;
    for (let t = 0; t < across; t += 2, a += 2 * pixelBytes, sums += 2 * sumBytes) {
      tile_2x12(k, a, pixelBytes, b, sums + lane0, sums + lane1, sums + lane2, sumBytes);
    }
  } else {
    for (let t = 0; t < across; t += 4, a += 4 * pixelBytes, sums += 4 * sumBytes) {
      tile_4x8(k, a, pixelBytes, b, sums + lane0, sums + lane1, sumBytes);
    }
  }
}

// @ts-ignore: decorator
@inline
function add_to(to: usize, v: v128): void {
  v128.store(to, f32x4.add(v, v128.load(to)));
}

/**
 * c_v[i] += Σ_p a[i, p]·b[p, v] for two places i and three vectors v; p ascends
 *
 * a f32[2, k], rows aBytes apart; b f32[k, 12]. For the turns of the loop and its branches see gemm_tile.ts. With three
 * places Node 20 runs out of registers and halves the rate; Node 24 would gain 2 %.
 */
// @ts-ignore: decorator
@inline
function tile_2x12(k: i32, a: usize, aBytes: usize, b: usize, to0: usize, to1: usize, to2: usize, toBytes: usize): void {
  let b0: v128, b1: v128, b2: v128, x: v128;
  let c00 = f32x4.splat(0), c01 = c00, c02 = c00;
  let c10 = c00, c11 = c00, c12 = c00;
  let p = a + aBytes;
  while (k > 0) {
    b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32);
    x = v128.load32_splat(a), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), c02 = madd(c02, x, b2);
    x = v128.load32_splat(p), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), c12 = madd(c12, x, b2);
    if (k == 1) break;
    b0 = v128.load(b, 48), b1 = v128.load(b, 64), b2 = v128.load(b, 80);
    x = v128.load32_splat(a, 4), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), c02 = madd(c02, x, b2);
    x = v128.load32_splat(p, 4), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), c12 = madd(c12, x, b2);
    if (k == 2) break;
    b0 = v128.load(b, 96), b1 = v128.load(b, 112), b2 = v128.load(b, 128);
    x = v128.load32_splat(a, 8), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), c02 = madd(c02, x, b2);
    x = v128.load32_splat(p, 8), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), c12 = madd(c12, x, b2);
    if (k == 3) break;
    b0 = v128.load(b, 144), b1 = v128.load(b, 160), b2 = v128.load(b, 176);
    x = v128.load32_splat(a, 12), c00 = madd(c00, x, b0), c01 = madd(c01, x, b1), c02 = madd(c02, x, b2);
    x = v128.load32_splat(p, 12), c10 = madd(c10, x, b0), c11 = madd(c11, x, b1), c12 = madd(c12, x, b2);
    a += 16, p += 16, b += 192, k -= 4;
  }
  add_to(to0, c00), add_to(to1, c01), add_to(to2, c02);
  add_to(to0 + toBytes, c10), add_to(to1 + toBytes, c11), add_to(to2 + toBytes, c12);
}

/** The same for four places and two vectors; b f32[k, 8]. */
// @ts-ignore: decorator
@inline
function tile_4x8(k: i32, a: usize, aBytes: usize, b: usize, to0: usize, to1: usize, toBytes: usize): void {
  let b0: v128, b1: v128, a0: v128, a1: v128, a2: v128, a3: v128;
  let c00 = f32x4.splat(0), c10 = c00, c20 = c00, c30 = c00;
  let c01 = c00, c11 = c00, c21 = c00, c31 = c00;
  let p = a + aBytes;
  let q = p + aBytes;
  let r = q + aBytes;
  while (k > 0) {
    b0 = v128.load(b), b1 = v128.load(b, 16), a0 = v128.load32_splat(a), a1 = v128.load32_splat(p);
    a2 = v128.load32_splat(q), a3 = v128.load32_splat(r);
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 1) break;
    b0 = v128.load(b, 32), b1 = v128.load(b, 48), a0 = v128.load32_splat(a, 4), a1 = v128.load32_splat(p, 4);
    a2 = v128.load32_splat(q, 4), a3 = v128.load32_splat(r, 4);
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 2) break;
    b0 = v128.load(b, 64), b1 = v128.load(b, 80), a0 = v128.load32_splat(a, 8), a1 = v128.load32_splat(p, 8);
    a2 = v128.load32_splat(q, 8), a3 = v128.load32_splat(r, 8);
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    if (k == 3) break;
    b0 = v128.load(b, 96), b1 = v128.load(b, 112), a0 = v128.load32_splat(a, 12), a1 = v128.load32_splat(p, 12);
    a2 = v128.load32_splat(q, 12), a3 = v128.load32_splat(r, 12);
    c00 = madd(c00, a0, b0), c10 = madd(c10, a1, b0), c20 = madd(c20, a2, b0), c30 = madd(c30, a3, b0);
    c01 = madd(c01, a0, b1), c11 = madd(c11, a1, b1), c21 = madd(c21, a2, b1), c31 = madd(c31, a3, b1);
    a += 16, p += 16, q += 16, r += 16, b += 128, k -= 4;
  }
  add_to(to0, c00), add_to(to1, c01), to0 += toBytes, to1 += toBytes;
  add_to(to0, c10), add_to(to1, c11), to0 += toBytes, to1 += toBytes;
  add_to(to0, c20), add_to(to1, c21), to0 += toBytes, to1 += toBytes;
  add_to(to0, c30), add_to(to1, c31);
}

/** The sums of a line to the pixels of dx that lie inside, plus what is there if `add`. */
function put_line(
  image: i32, row: i32, inputs: i32, window: usize, sums: usize, sumBytes: usize, add: bool, dx: usize,
): void {
  const height = field(window, Window.HEIGHT);
  const width = field(window, Window.WIDTH);
  const pixel = field(window, Window.PIXEL);
  const strideX = field(window, Window.STRIDE_X);
  const strideY = field(window, Window.STRIDE_Y);
  const bytes = <usize>inputs << 2;
  const pixelBytes = <usize>pixel << 2;
  for (let r = 0; r < min(strideY, height - row * strideY); r++, sums += <usize>strideX * bytes) {
    let to = dx + <usize>(image * height + row * strideY + r) * <usize>width * pixelBytes;
    let place = sums;
    for (let left = width; left > 0; left -= strideX, place += sumBytes) {
      const count = min(strideX, left);
      if (pixel == inputs) {
        put_run(count * inputs, place, add, to);
        to += <usize>count * bytes;
      } else {
        let from = place;
        for (let s = 0; s < count; s++, from += bytes, to += pixelBytes) put_run(inputs, from, add, to);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function put_run(n: i32, from: usize, add: bool, to: usize): void {
  for (; n > 0; n--, from += 4, to += 4) store<f32>(to, add ? load<f32>(from) + load<f32>(to) : load<f32>(from));
}

/**
 * packed[segment][t·outputs + o, 4·v + l] = α·w[o, c, tap]          weights of conv_phases_f32
 *
 * Output LANE_v + l of a place is channel c of a pixel, which column t of the segment sees through one tap, or 0.
 *
 * reads     w  f32[outputs, inputs, TAPS_Y, TAPS_X], strides out_stride, channel_stride, y_stride, x_stride
 *           window  i32[16] of the convolution, see window.ts; plan  i32, as for conv_phases_f32
 * writes    packed  f32, for each segment from its WEIGHTS on [TAPS·outputs, 4·VECTORS]
 * requires  STEP is 1; 0 ≤ begin ≤ end ≤ segments
 * splits    over segments, anywhere
 * error     one rounding per element
 */
export function conv_phases_weight_f32(
  segments: i32, inputs: i32, outputs: i32, alpha: f32, window: usize, plan: usize, w: usize, out_stride: i32,
  channel_stride: i32, y_stride: i32, x_stride: i32, packed: usize, begin: i32, end: i32,
): void {
  expect_range(segments, begin, end);
  expect_window(window, 0, inputs);
  assert(field(window, Window.STEP_Y) == 1 && field(window, Window.STEP_X) == 1);
  expect_aligned(w | packed | plan);
  expect_sizes(outputs);
  const strideX = field(window, Window.STRIDE_X);
  const n = field(window, Window.STRIDE_Y) * strideX * inputs;
  for (let s = begin; s < end; s++) {
    const segment = plan + (<usize>(Plan.SIZE + s * Segment.SIZE) << 2);
    const vectors = of_plan(segment, Segment.VECTORS);
    const rowBytes = <usize>vectors << 4;
    for (let t = 0; t < of_plan(segment, Segment.TAPS); t++) {
      const block = packed + (<usize>of_plan(segment, Segment.WEIGHTS) << 2) + <usize>(t * outputs) * rowBytes;
      for (let i = 0; i < 4 * vectors; i++) {
        const lane = of_plan(segment, Segment.LANE_0 + (i >> 2)) + (i & 3);
        const pixel = lane / inputs;
        const r = pixel / strideX;
        const tapY = r - field(window, Window.FIRST_Y) - of_plan(segment, Segment.ROW) * field(window, Window.STRIDE_Y);
        const column = of_plan(segment, Segment.COLUMN) + t;
        const tapX = pixel - r * strideX - field(window, Window.FIRST_X) - column * strideX;
        const seen = <u32>tapY < <u32>field(window, Window.TAPS_Y) && <u32>tapX < <u32>field(window, Window.TAPS_X);
        const from = w + <usize>(((lane - pixel * inputs) * channel_stride + tapY * y_stride + tapX * x_stride) << 2);
        let to = block + (<usize>i << 2);
        for (let o = 0; o < outputs; o++, to += rowBytes) {
          store<f32>(to, seen && lane < n ? alpha * load<f32>(from + <usize>(o * out_stride << 2)) : 0);
        }
      }
    }
  }
}
