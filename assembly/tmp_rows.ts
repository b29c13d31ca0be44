import { exp_f32, log_f32 } from "./math";
// @ts-ignore
@inline function g(p: usize, i: i32): f32 { return load<f32>(p + (<usize>i << 2)); }
// @ts-ignore
@inline function s(p: usize, i: i32, v: f32): void { store<f32>(p + (<usize>i << 2), v); }
// @ts-ignore
@inline function acc(p: usize, i: i32, beta: f32, v: f32): void { s(p, i, beta != 0 ? g(p, i) + v : v); }
export function cross_entropy_f32(rows: i32, cols: i32, x: usize, ldx: i32, t: f32, y: usize, ldt: i32, tr: i32, w: usize, loss: usize, lse: usize, ts: usize, begin: i32, end: i32): void {
  for (let r = begin; r < end; r++) { const a = r * ldx, b = (r % tr) * ldt; let m: f32 = -Infinity; for (let j = 0; j < cols; j++) m = max(m, g(x, a + j)); let z: f32 = 0, dot: f32 = 0, tot: f32 = 0;
    for (let j = 0; j < cols; j++) { z += exp_f32((g(x, a + j) - m) / t); dot += g(y, b + j) * g(x, a + j) / t; tot += g(y, b + j); }
    const l = log_f32(z) + m / t; s(lse, r, l); s(ts, r, tot); s(loss, r, (w ? g(w, r) : 1) * (l * tot - dot)); } }
export function cross_entropy_grad_f32(rows: i32, cols: i32, x: usize, ldx: i32, t: f32, y: usize, ldt: i32, tr: i32, w: usize, lse: usize, ts: usize, up: usize, beta: f32, dx: usize, ldd: i32, begin: i32, end: i32): void {
  for (let r = begin; r < end; r++) { const c = load<f32>(up) * (w ? g(w, r) : 1) / t; for (let j = 0; j < cols; j++) acc(dx, r * ldd + j, beta, c * (exp_f32(g(x, r * ldx + j) / t - g(lse, r)) * g(ts, r) - g(y, (r % tr) * ldt + j))); } }
export function distill_f32(rows: i32, cols: i32, x: usize, lds: i32, y: usize, ldt: i32, t: f32, loss: usize, ls: usize, lt: usize, begin: i32, end: i32): void {
  for (let r = begin; r < end; r++) { let m: f32 = -Infinity, n: f32 = -Infinity; for (let j = 0; j < cols; j++) { m = max(m, g(x, r * lds + j)); n = max(n, g(y, r * ldt + j)); }
    let z: f32 = 0, q: f32 = 0; for (let j = 0; j < cols; j++) { z += exp_f32((g(x, r * lds + j) - m) / t); q += exp_f32((g(y, r * ldt + j) - n) / t); }
    const a = log_f32(z) + m / t, b = log_f32(q) + n / t; let l: f32 = 0; for (let j = 0; j < cols; j++) l += exp_f32(g(y, r * ldt + j) / t - b) * (a - g(x, r * lds + j) / t); s(ls, r, a); s(lt, r, b); s(loss, r, l); } }
export function distill_grad_f32(rows: i32, cols: i32, x: usize, lds: i32, y: usize, ldt: i32, t: f32, ls: usize, lt: usize, scale: f32, up: usize, beta: f32, dx: usize, ldd: i32, begin: i32, end: i32): void {
  for (let r = begin; r < end; r++) for (let j = 0; j < cols; j++) acc(dx, r * ldd + j, beta, scale * load<f32>(up) / t * (exp_f32(g(x, r * lds + j) / t - g(ls, r)) - exp_f32(g(y, r * ldt + j) / t - g(lt, r)))); }
export function layer_norm_f32(rows: i32, cols: i32, x: usize, ldx: i32, eps: f32, w: usize, b: usize, y: usize, ldy: i32, st: usize, begin: i32, end: i32): void {
  for (let r = begin; r < end; r++) { let m: f32 = 0; for (let j = 0; j < cols; j++) m += g(x, r * ldx + j); m /= <f32>cols; let v: f32 = 0; for (let j = 0; j < cols; j++) { const d = g(x, r * ldx + j) - m; v += d * d; } const rs: f32 = <f32>1 / sqrt<f32>(v / <f32>cols + eps); s(st, 2 * r, m); s(st, 2 * r + 1, rs); for (let j = 0; j < cols; j++) s(y, r * ldy + j, (g(x, r * ldx + j) - m) * rs * g(w, j) + g(b, j)); } }
export function layer_norm_grad_input_f32(rows: i32, cols: i32, x: usize, ldx: i32, st: usize, w: usize, dy: usize, lddy: i32, beta: f32, dx: usize, lddx: i32, begin: i32, end: i32): void {
  for (let r = begin; r < end; r++) { const m = g(st, 2 * r), rs = g(st, 2 * r + 1); let a: f32 = 0, b: f32 = 0; for (let j = 0; j < cols; j++) { const q = g(dy, r * lddy + j) * g(w, j); a += q; b += q * (g(x, r * ldx + j) - m) * rs; } a /= <f32>cols; b /= <f32>cols; for (let j = 0; j < cols; j++) acc(dx, r * lddx + j, beta, rs * (g(dy, r * lddy + j) * g(w, j) - a - (g(x, r * ldx + j) - m) * rs * b)); } }
export function layer_norm_grad_weight_f32(cols: i32, rows: i32, x: usize, ldx: i32, st: usize, dy: usize, lddy: i32, bw: f32, dw: usize, bb: f32, db: usize, begin: i32, end: i32): void {
  for (let j = begin; j < end; j++) { let a: f32 = 0, b: f32 = 0; for (let r = 0; r < rows; r++) { const q = g(dy, r * lddy + j); a += q * (g(x, r * ldx + j) - g(st, 2 * r)) * g(st, 2 * r + 1); b += q; } acc(dw, j, bw, a); acc(db, j, bb, b); } }
export function l2_normalize_f32(rows: i32, cols: i32, x: usize, ldx: i32, eps: f32, y: usize, ldy: i32, norms: usize, begin: i32, end: i32): void {
  for (let r = begin; r < end; r++) { let v: f32 = 0; for (let j = 0; j < cols; j++) v += g(x, r * ldx + j) * g(x, r * ldx + j); const n = sqrt<f32>(v); s(norms, r, n); for (let j = 0; j < cols; j++) s(y, r * ldy + j, g(x, r * ldx + j) / max(n, eps)); } }
export function l2_normalize_grad_f32(rows: i32, cols: i32, y: usize, ldy: i32, norms: usize, eps: f32, dy: usize, lddy: i32, beta: f32, dx: usize, lddx: i32, begin: i32, end: i32): void {
  for (let r = begin; r < end; r++) { let d: f32 = 0; for (let j = 0; j < cols; j++) d += g(y, r * ldy + j) * g(dy, r * lddy + j); const n = max(g(norms, r), eps); for (let j = 0; j < cols; j++) acc(dx, r * lddx + j, beta, (g(dy, r * lddy + j) - d * g(y, r * ldy + j)) / n); } }
export function weight_norm_f32(rows: i32, cols: i32, v: usize, gg: usize, y: usize, norms: usize, begin: i32, end: i32): void {
  for (let r = begin; r < end; r++) { let q: f32 = 0; for (let j = 0; j < cols; j++) q += g(v, r * cols + j) * g(v, r * cols + j); const n = sqrt<f32>(q); s(norms, r, n); for (let j = 0; j < cols; j++) s(y, r * cols + j, g(gg, r) * g(v, r * cols + j) / n); } }
export function weight_norm_grad_f32(rows: i32, cols: i32, v: usize, gg: usize, norms: usize, dy: usize, bv: f32, dv: usize, bg: f32, dg: usize, begin: i32, end: i32): void {
  for (let r = begin; r < end; r++) { const n = g(norms, r); let d: f32 = 0; for (let j = 0; j < cols; j++) d += g(v, r * cols + j) / n * g(dy, r * cols + j); acc(dg, r, bg, d); for (let j = 0; j < cols; j++) acc(dv, r * cols + j, bv, g(gg, r) / n * (g(dy, r * cols + j) - d * g(v, r * cols + j) / n)); } }
