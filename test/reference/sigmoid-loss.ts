import type { Heap } from "../../src/runtime/heap.js";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** −log σ(−x) */
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

export function focal_loss_f32(
  { f32, i32 }: Heap,
  rows: number,
  cols: number,
  logits: number,
  ldx: number,
  classes: number,
  alpha: number,
  gamma: number,
  scale: number,
  loss: number,
): void {
  for (let r = 0; r < rows; r++) {
    const label = i32[(classes >> 2) + r];
    let sum = 0;
    for (let k = 0; k < cols && label !== -2; k++) {
      const x = f32[(logits >> 2) + r * ldx + k];
      const [s, a] = k === label ? [x, alpha] : [-x, 1 - alpha];
      sum += a * sigmoid(-s) ** gamma * softplus(-s);
    }
    f32[(loss >> 2) + r] = scale * sum;
  }
}

export function focal_loss_grad_f32(
  { f32, i32 }: Heap,
  rows: number,
  cols: number,
  logits: number,
  ldx: number,
  classes: number,
  alpha: number,
  gamma: number,
  scale: number,
  upstream: number,
  beta: number,
  dlogits: number,
  ldd: number,
): void {
  for (let r = 0; r < rows; r++) {
    const label = i32[(classes >> 2) + r];
    for (let k = 0; k < cols; k++) {
      const x = f32[(logits >> 2) + r * ldx + k];
      const [s, a, sign] = k === label ? [x, alpha, 1] : [-x, 1 - alpha, -1];
      const [p, q] = [sigmoid(s), sigmoid(-s)];
      const ds = label === -2 ? 0 : -a * q ** gamma * (gamma * p * softplus(-s) + q);
      const at = (dlogits >> 2) + r * ldd + k;
      f32[at] = scale * f32[upstream >> 2] * sign * ds + (beta === 0 ? 0 : f32[at]);
    }
  }
}

export function binary_cross_entropy_f32(
  { f32 }: Heap,
  n: number,
  logits: number,
  targets: number,
  scale: number,
  loss: number,
): void {
  for (let i = 0; i < n; i++) {
    const [x, t] = [f32[(logits >> 2) + i], f32[(targets >> 2) + i]];
    f32[(loss >> 2) + i] = scale * (t * softplus(-x) + (1 - t) * softplus(x));
  }
}

export function binary_cross_entropy_grad_f32(
  { f32 }: Heap,
  n: number,
  logits: number,
  targets: number,
  scale: number,
  upstream: number,
  beta: number,
  dlogits: number,
): void {
  for (let i = 0; i < n; i++) {
    const before = beta === 0 ? 0 : f32[(dlogits >> 2) + i];
    const slope = sigmoid(f32[(logits >> 2) + i]) - f32[(targets >> 2) + i];
    f32[(dlogits >> 2) + i] = scale * f32[upstream >> 2] * slope + before;
  }
}
