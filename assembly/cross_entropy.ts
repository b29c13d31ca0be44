import {
  expect_aligned, expect_at_least, expect_beta, expect_indices, expect_positive, expect_range, expect_rows,
} from "./contract";
import { horizontal_sum, keep_mask, load_part, madd, store_part, sum_lanes } from "./lanes";
import { exp2_f32x4, LOG2_E, log_f32 } from "./math";
import { FAR_BELOW, row_at, row_exp_sum, row_max } from "./rows";
import { fill_span } from "./span";

// Every loss here is Σ_k t_k · (log Σ_j exp(z_j) − z_k) with z = logits / τ. It is summed as
// log Σ_j exp(z_j − max z) · Σ_k t_k − Σ_k t_k·(z_k − max z), whose terms do not cancel.

/**
 * loss[r] = scale·w[r] · Σ_k t[k]·(lse[r] − z[r, k])          z = logits / τ, t = row r mod target_rows of targets
 * lse[r]  = log Σ_k exp(z[r, k])
 * target_sum[r] = Σ_k t[k]
 *
 * reads     logits   f32[rows, cols], row stride ldx
 *           targets  f32[target_rows, cols], row stride ldt
 *           weights  f32[rows], or 0 for all 1
 * writes    loss, lse, target_sum  f32[rows]
 * requires  cols ≥ 1; target_rows ≥ 1 if rows ≥ 1; τ > 0; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     1e-6 + 2e-10·cols, relative to Σ t·(|log Σ_j exp(z_j − max z)| + |z − max z|)
 */
export function cross_entropy_f32(
  rows: i32, cols: i32, logits: usize, ldx: i32, temperature: f32, targets: usize, ldt: i32, target_rows: i32,
  weights: usize, scale: f32, loss: usize, lse: usize, target_sum: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(logits | targets | weights | loss | lse | target_sum);
  expect_at_least(cols, 1);
  expect_at_least(target_rows, min(rows, 1));
  expect_rows(rows, cols, ldx);
  expect_rows(target_rows, cols, ldt);
  expect_positive(temperature);
  const k = LOG2_E / temperature;
  const bytes = <usize>cols << 2;
  for (let r = begin; r < end; r++) {
    const x = row_at(logits, r, ldx);
    const stop = x + bytes;
    const at = <usize>r << 2;
    const top = row_max(x, stop);
    const moments = target_moments(x, stop, top, k, row_at(targets, r % target_rows, ldt));
    const logSum = log_f32(f32x4.extract_lane(moments, 2));
    const sum = f32x4.extract_lane(moments, 0);
    const w = weights == 0 ? scale : scale * load<f32>(weights + at);
    store<f32>(loss + at, w * (logSum * sum - f32x4.extract_lane(moments, 1) / temperature));
    store<f32>(lse + at, top / temperature + logSum);
    store<f32>(target_sum + at, sum);
  }
}

/**
 * dlogits[r, k] = u·w[r]/τ · (target_sum[r]·exp(z[r, k] − lse[r]) − t[k]) + β·dlogits[r, k]
 *                 u = scale·upstream[0]
 *
 * reads     logits   f32[rows, cols], row stride ldx
 *           targets  f32[target_rows, cols], row stride ldt; row r mod target_rows
 *           weights  f32[rows], or 0 for all 1
 *           lse, target_sum  f32[rows], from cross_entropy_f32
 *           upstream  f32[1]: dL / dΣ_r loss[r]
 * writes    dlogits  f32[rows, cols], row stride ldd
 * requires  cols ≥ 1; target_rows ≥ 1 if rows ≥ 1; τ > 0; β is 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     relative 4e-7 + 1.2e-7·(|z| + |lse|) for each of the two terms
 */
export function cross_entropy_grad_f32(
  rows: i32, cols: i32, logits: usize, ldx: i32, temperature: f32, targets: usize, ldt: i32, target_rows: i32,
  weights: usize, lse: usize, target_sum: usize, scale: f32, upstream: usize, beta: f32, dlogits: usize, ldd: i32,
  begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(logits | targets | weights | lse | target_sum | upstream | dlogits);
  expect_at_least(cols, 1);
  expect_at_least(target_rows, min(rows, 1));
  expect_rows(rows, cols, ldx);
  expect_rows(target_rows, cols, ldt);
  expect_rows(rows, cols, ldd);
  expect_positive(temperature);
  expect_beta(beta);
  const bytes = <usize>cols << 2;
  const unit = (scale * load<f32>(upstream)) / temperature;
  for (let r = begin; r < end; r++) {
    const x = row_at(logits, r, ldx);
    const at = <usize>r << 2;
    const factor = weights == 0 ? unit : unit * load<f32>(weights + at);
    const t = row_at(targets, r % target_rows, ldt);
    const up = factor * load<f32>(target_sum + at);
    const out = row_at(dlogits, r, ldd);
    target_row_grad(x, x + bytes, temperature, load<f32>(lse + at), up, t, factor, beta, out);
  }
}

/**
 * loss[r] = scale · Σ_k q[r, k]·(lse_student[r] − s[r, k]/τ)          q = softmax(t/τ)
 * lse_student[r] = log Σ_k exp(s[r, k]/τ), lse_teacher[r] likewise of t
 *
 * reads     student  f32[rows, cols], row stride lds: s
 *           teacher  f32[rows, cols], row stride ldt: t
 * writes    loss, lse_student, lse_teacher  f32[rows]
 * requires  cols ≥ 1; τ > 0; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     1e-6 + 2e-10·cols, relative to log Σ_j exp(z_j − max z) + max z − min z
 */
export function distill_f32(
  rows: i32, cols: i32, student: usize, lds: i32, teacher: usize, ldt: i32, temperature: f32, scale: f32, loss: usize,
  lse_student: usize, lse_teacher: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(student | teacher | loss | lse_student | lse_teacher);
  expect_at_least(cols, 1);
  expect_rows(rows, cols, lds);
  expect_rows(rows, cols, ldt);
  expect_positive(temperature);
  const k = LOG2_E / temperature;
  const bytes = <usize>cols << 2;
  for (let r = begin; r < end; r++) {
    const s = row_at(student, r, lds);
    const t = row_at(teacher, r, ldt);
    const at = <usize>r << 2;
    const topS = row_max(s, s + bytes);
    const topT = row_max(t, t + bytes);
    const logSum = log_f32(row_exp_sum(s, s + bytes, topS, k));
    const moments = softmax_moments(s, s + bytes, topS, t, topT, k);
    const sum = f32x4.extract_lane(moments, 0);
    store<f32>(loss + at, scale * (logSum - f32x4.extract_lane(moments, 1) / (sum * temperature)));
    store<f32>(lse_student + at, topS / temperature + logSum);
    store<f32>(lse_teacher + at, topT / temperature + log_f32(sum));
  }
}

/**
 * dstudent[r, k] = scale·upstream[0]/τ · (softmax(s/τ)[r, k] − softmax(t/τ)[r, k]) + β·dstudent[r, k]
 *
 * reads     student, teacher  f32[rows, cols], row strides lds, ldt: s and t
 *           lse_student, lse_teacher  f32[rows], from distill_f32
 *           upstream  f32[1]: dL / dΣ_r loss[r]
 * writes    dstudent  f32[rows, cols], row stride ldd
 * requires  cols ≥ 1; τ > 0; β is 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     relative 4e-7 + 1.2e-7·(|z| + |lse|) for each of the two terms
 */
export function distill_grad_f32(
  rows: i32, cols: i32, student: usize, lds: i32, teacher: usize, ldt: i32, temperature: f32, lse_student: usize,
  lse_teacher: usize, scale: f32, upstream: usize, beta: f32, dstudent: usize, ldd: i32, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(student | teacher | lse_student | lse_teacher | upstream | dstudent);
  expect_at_least(cols, 1);
  expect_rows(rows, cols, lds);
  expect_rows(rows, cols, ldt);
  expect_rows(rows, cols, ldd);
  expect_positive(temperature);
  expect_beta(beta);
  const bytes = <usize>cols << 2;
  const unit = (scale * load<f32>(upstream)) / temperature;
  for (let r = begin; r < end; r++) {
    const s = row_at(student, r, lds);
    const lseS = load<f32>(lse_student + (<usize>r << 2));
    const lseT = load<f32>(lse_teacher + (<usize>r << 2));
    const t = row_at(teacher, r, ldt);
    distill_row_grad(s, s + bytes, lseS, t, lseT, temperature, unit, beta, row_at(dstudent, r, ldd));
  }
}

/**
 * loss[r] = scale·(lse[r] − x[r, labels[r]]), or 0 where labels[r] is negative
 * lse[r]  = log Σ_k exp(x[r, k])
 *
 * reads     logits  f32[rows, cols], row stride ldx: x
 *           labels  i32[rows]
 * writes    loss, lse  f32[rows]
 * requires  −1 ≤ labels[r] < cols; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     1e-6 + 2e-10·cols, relative to log Σ_j exp(x_j − max x) + max x − x[label]
 */
export function cross_entropy_labels_f32(
  rows: i32, cols: i32, logits: usize, ldx: i32, labels: usize, scale: f32, loss: usize, lse: usize,
  begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(logits | labels | loss | lse);
  expect_rows(rows, cols, ldx);
  expect_indices(rows, labels, -1, cols);
  const bytes = <usize>cols << 2;
  for (let r = begin; r < end; r++) {
    const x = row_at(logits, r, ldx);
    const at = <usize>r << 2;
    const top = row_max(x, x + bytes);
    const logSum = log_f32(row_exp_sum(x, x + bytes, top, LOG2_E));
    const label = load<i32>(labels + at);
    const own: f32 = label < 0 ? 0 : scale * (logSum + (top - load<f32>(x + (<usize>label << 2))));
    store<f32>(loss + at, own);
    store<f32>(lse + at, top + logSum);
  }
}

/**
 * dlogits[r, k] = scale·upstream[0] · (exp(x[r, k] − lse[r]) − [k = labels[r]]) + β·dlogits[r, k], the first term 0 where
 * labels[r] is negative
 *
 * reads     logits  f32[rows, cols], row stride ldx: x
 *           labels  i32[rows]
 *           lse     f32[rows], from cross_entropy_labels_f32
 *           upstream  f32[1]: dL / dΣ_r loss[r]
 * writes    dlogits  f32[rows, cols], row stride ldd
 * requires  −1 ≤ labels[r] < cols; β is 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     relative 4e-7 + 1.2e-7·(|x| + |lse|) for each of the two terms
 */
export function cross_entropy_labels_grad_f32(
  rows: i32, cols: i32, logits: usize, ldx: i32, labels: usize, lse: usize, scale: f32, upstream: usize, beta: f32,
  dlogits: usize, ldd: i32, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(logits | labels | lse | upstream | dlogits);
  expect_rows(rows, cols, ldx);
  expect_rows(rows, cols, ldd);
  expect_indices(rows, labels, -1, cols);
  expect_beta(beta);
  const bytes = <usize>cols << 2;
  const unit = scale * load<f32>(upstream);
  for (let r = begin; r < end; r++) {
    const x = row_at(logits, r, ldx);
    const at = <usize>r << 2;
    const out = row_at(dlogits, r, ldd);
    const label = load<i32>(labels + at);
    if (label < 0) {
      if (beta == 0) fill_span(cols, 0, out);
      continue;
    }
    label_row_grad(x, x + bytes, load<f32>(lse + at), unit, beta, out);
    const chosen = out + (<usize>label << 2);
    store<f32>(chosen, load<f32>(chosen) - unit);
  }
}

/** [Σ t, Σ t·(x − top), Σ 2^((x − top)·k), …] */
function target_moments(x: usize, stop: usize, top: f32, k: f32, t: usize): v128 {
  const shift = f32x4.splat(top);
  const scale = f32x4.splat(k);
  let sum = f32x4.splat(0);
  let dot = sum;
  let e0 = sum;
  let e1 = sum;
  if (x + 32 <= stop) {
    do {
      const x0 = f32x4.sub(v128.load(x), shift);
      const x1 = f32x4.sub(v128.load(x, 16), shift);
      const t0 = v128.load(t);
      const t1 = v128.load(t, 16);
      sum = f32x4.add(sum, f32x4.add(t0, t1));
      dot = f32x4.add(dot, f32x4.add(f32x4.mul(t0, x0), f32x4.mul(t1, x1)));
      e0 = f32x4.add(e0, exp2_f32x4(f32x4.mul(x0, scale)));
      e1 = f32x4.add(e1, exp2_f32x4(f32x4.mul(x1, scale)));
      x += 32;
      t += 32;
    } while (x + 32 <= stop);
  }
  const zero = f32x4.splat(0);
  const below = f32x4.splat(FAR_BELOW);
  for (; x < stop; x += 16, t += 16) {
    const left = stop - x;
    const target = load_part(t, left, zero);
    sum = f32x4.add(sum, target);
    dot = madd(dot, target, f32x4.sub(load_part(x, left, shift), shift));
    e0 = f32x4.add(e0, exp2_f32x4(f32x4.mul(f32x4.sub(load_part(x, left, below), shift), scale)));
  }
  return f32x4.replace_lane(sums_of(sum, dot), 2, horizontal_sum(f32x4.add(e0, e1)));
}

/** [Σ e, Σ e·(s − topS), …] with e = 2^((t − topT)·k) */
function softmax_moments(s: usize, stop: usize, topS: f32, t: usize, topT: f32, k: f32): v128 {
  const shiftS = f32x4.splat(topS);
  const shiftT = f32x4.splat(topT);
  const scale = f32x4.splat(k);
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  let dot0 = sum0;
  let dot1 = sum0;
  if (s + 32 <= stop) {
    do {
      const e0 = exp2_f32x4(f32x4.mul(f32x4.sub(v128.load(t), shiftT), scale));
      const e1 = exp2_f32x4(f32x4.mul(f32x4.sub(v128.load(t, 16), shiftT), scale));
      sum0 = f32x4.add(sum0, e0);
      sum1 = f32x4.add(sum1, e1);
      dot0 = madd(dot0, e0, f32x4.sub(v128.load(s), shiftS));
      dot1 = madd(dot1, e1, f32x4.sub(v128.load(s, 16), shiftS));
      s += 32;
      t += 32;
    } while (s + 32 <= stop);
  }
  const below = f32x4.splat(FAR_BELOW);
  for (; s < stop; s += 16, t += 16) {
    const left = stop - s;
    const e = exp2_f32x4(f32x4.mul(f32x4.sub(load_part(t, left, below), shiftT), scale));
    sum0 = f32x4.add(sum0, e);
    dot0 = madd(dot0, e, f32x4.sub(load_part(s, left, shiftS), shiftS));
  }
  return sums_of(f32x4.add(sum0, sum1), f32x4.add(dot0, dot1));
}

/** [Σ a, Σ b, …] over the lanes */
// @ts-ignore: decorator
@inline
function sums_of(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(sum_lanes(a), sum_lanes(b), 0, 4, 0, 4);
}

/** out = a·exp(x/τ − lse) − b·t + β·out */
function target_row_grad(
  x: usize, stop: usize, temperature: f32, lse: f32, a: f32, t: usize, b: f32, beta: f32, out: usize,
): void {
  const zero = f32x4.splat(0);
  const keep = keep_mask(beta);
  const scale = f32x4.splat(LOG2_E / temperature);
  const shift = f32x4.splat(LOG2_E * lse);
  const up = f32x4.splat(a);
  const down = f32x4.splat(b);
  if (x + 32 <= stop) {
    do {
      const e0 = exp2_f32x4(f32x4.sub(f32x4.mul(v128.load(x), scale), shift));
      const e1 = exp2_f32x4(f32x4.sub(f32x4.mul(v128.load(x, 16), scale), shift));
      const v0 = f32x4.sub(f32x4.mul(e0, up), f32x4.mul(v128.load(t), down));
      const v1 = f32x4.sub(f32x4.mul(e1, up), f32x4.mul(v128.load(t, 16), down));
      const old0 = v128.and(v128.load(out), keep);
      const old1 = v128.and(v128.load(out, 16), keep);
      v128.store(out, f32x4.add(v0, old0));
      v128.store(out, f32x4.add(v1, old1), 16);
      x += 32;
      t += 32;
      out += 32;
    } while (x + 32 <= stop);
  }
  for (; x < stop; x += 16, t += 16, out += 16) {
    const left = stop - x;
    const e = exp2_f32x4(f32x4.sub(f32x4.mul(load_part(x, left, zero), scale), shift));
    const v = f32x4.sub(f32x4.mul(e, up), f32x4.mul(load_part(t, left, zero), down));
    store_part(out, left, f32x4.add(v, v128.and(load_part(out, left, zero), keep)));
  }
}

/** out = a·(exp(s/τ − lseS) − exp(t/τ − lseT)) + β·out */
function distill_row_grad(
  s: usize, stop: usize, lseS: f32, t: usize, lseT: f32, temperature: f32, a: f32, beta: f32, out: usize,
): void {
  const zero = f32x4.splat(0);
  const keep = keep_mask(beta);
  const scale = f32x4.splat(LOG2_E / temperature);
  const shiftS = f32x4.splat(LOG2_E * lseS);
  const shiftT = f32x4.splat(LOG2_E * lseT);
  const factor = f32x4.splat(a);
  if (s + 16 <= stop) {
    do {
      const up = exp2_f32x4(f32x4.sub(f32x4.mul(v128.load(s), scale), shiftS));
      const down = exp2_f32x4(f32x4.sub(f32x4.mul(v128.load(t), scale), shiftT));
      const old = v128.and(v128.load(out), keep);
      v128.store(out, f32x4.add(f32x4.mul(f32x4.sub(up, down), factor), old));
      s += 16;
      t += 16;
      out += 16;
    } while (s + 16 <= stop);
  }
  if (s == stop) return;
  const left = stop - s;
  const up = exp2_f32x4(f32x4.sub(f32x4.mul(load_part(s, left, zero), scale), shiftS));
  const down = exp2_f32x4(f32x4.sub(f32x4.mul(load_part(t, left, zero), scale), shiftT));
  const old = v128.and(load_part(out, left, zero), keep);
  store_part(out, left, f32x4.add(f32x4.mul(f32x4.sub(up, down), factor), old));
}

/** out = a·exp(x − lse) + β·out */
function label_row_grad(x: usize, stop: usize, lse: f32, a: f32, beta: f32, out: usize): void {
  const zero = f32x4.splat(0);
  const keep = keep_mask(beta);
  const scale = f32x4.splat(LOG2_E);
  const shift = f32x4.splat(LOG2_E * lse);
  const factor = f32x4.splat(a);
  do {
    const left = stop - x;
    const e = exp2_f32x4(f32x4.sub(f32x4.mul(load_part(x, left, zero), scale), shift));
    const v = f32x4.mul(e, factor);
    store_part(out, left, f32x4.add(v, v128.and(load_part(out, left, zero), keep)));
    x += 16;
    out += 16;
  } while (x < stop);
}
