import type { Heap } from "../../src/runtime/heap.js";
import { logSumExp, row, writeRow } from "./rows.js";

export function cross_entropy_f32(
  heap: Heap,
  rows: number,
  cols: number,
  logits: number,
  ldx: number,
  temperature: number,
  targets: number,
  ldt: number,
  targetRows: number,
  weights: number,
  scale: number,
  loss: number,
  lse: number,
  targetSum: number,
): void {
  const { f32 } = heap;
  for (let r = 0; r < rows; r++) {
    const z = row(heap, logits, r, cols, ldx).map((value) => value / temperature);
    const t = row(heap, targets, r % targetRows, cols, ldt);
    const w = weights === 0 ? 1 : f32[(weights >> 2) + r];
    const logTotal = logSumExp(z);
    f32[(loss >> 2) + r] = scale * w * t.reduce((sum, share, k) => sum + share * (logTotal - z[k]), 0);
    f32[(lse >> 2) + r] = logTotal;
    f32[(targetSum >> 2) + r] = t.reduce((sum, share) => sum + share, 0);
  }
}

export function cross_entropy_grad_f32(
  heap: Heap,
  rows: number,
  cols: number,
  logits: number,
  ldx: number,
  temperature: number,
  targets: number,
  ldt: number,
  targetRows: number,
  weights: number,
  lse: number,
  targetSum: number,
  scale: number,
  upstream: number,
  beta: number,
  dlogits: number,
  ldd: number,
): void {
  const { f32 } = heap;
  for (let r = 0; r < rows; r++) {
    const z = row(heap, logits, r, cols, ldx).map((value) => value / temperature);
    const t = row(heap, targets, r % targetRows, cols, ldt);
    const w = weights === 0 ? 1 : f32[(weights >> 2) + r];
    const factor = (scale * f32[upstream >> 2] * w) / temperature;
    const sum = f32[(targetSum >> 2) + r];
    const logTotal = f32[(lse >> 2) + r];
    const gradient = z.map((value, k) => factor * (sum * Math.exp(value - logTotal) - t[k]));
    writeRow(heap, dlogits, r, ldd, gradient, beta);
  }
}

export function distill_f32(
  heap: Heap,
  rows: number,
  cols: number,
  student: number,
  lds: number,
  teacher: number,
  ldt: number,
  temperature: number,
  scale: number,
  loss: number,
  lseStudent: number,
  lseTeacher: number,
): void {
  const { f32 } = heap;
  for (let r = 0; r < rows; r++) {
    const s = row(heap, student, r, cols, lds).map((value) => value / temperature);
    const t = row(heap, teacher, r, cols, ldt).map((value) => value / temperature);
    const [lseS, lseT] = [logSumExp(s), logSumExp(t)];
    f32[(loss >> 2) + r] = scale * s.reduce((sum, value, k) => sum + Math.exp(t[k] - lseT) * (lseS - value), 0);
    f32[(lseStudent >> 2) + r] = lseS;
    f32[(lseTeacher >> 2) + r] = lseT;
  }
}

export function distill_grad_f32(
  heap: Heap,
  rows: number,
  cols: number,
  student: number,
  lds: number,
  teacher: number,
  ldt: number,
  temperature: number,
  lseStudent: number,
  lseTeacher: number,
  scale: number,
  upstream: number,
  beta: number,
  dstudent: number,
  ldd: number,
): void {
  const { f32 } = heap;
  const factor = (scale * f32[upstream >> 2]) / temperature;
  for (let r = 0; r < rows; r++) {
    const t = row(heap, teacher, r, cols, ldt);
    const [lseS, lseT] = [f32[(lseStudent >> 2) + r], f32[(lseTeacher >> 2) + r]];
    const gradient = row(heap, student, r, cols, lds).map(
      (value, k) => factor * (Math.exp(value / temperature - lseS) - Math.exp(t[k] / temperature - lseT)),
    );
    writeRow(heap, dstudent, r, ldd, gradient, beta);
  }
}

export function cross_entropy_labels_f32(
  heap: Heap,
  rows: number,
  cols: number,
  logits: number,
  ldx: number,
  labels: number,
  scale: number,
  loss: number,
  lse: number,
): void {
  const { f32, i32 } = heap;
  for (let r = 0; r < rows; r++) {
    const x = row(heap, logits, r, cols, ldx);
    const logTotal = logSumExp(x);
    const label = i32[(labels >> 2) + r];
    f32[(loss >> 2) + r] = label < 0 ? 0 : scale * (logTotal - x[label]);
    f32[(lse >> 2) + r] = logTotal;
  }
}

export function cross_entropy_labels_grad_f32(
  heap: Heap,
  rows: number,
  cols: number,
  logits: number,
  ldx: number,
  labels: number,
  lse: number,
  scale: number,
  upstream: number,
  beta: number,
  dlogits: number,
  ldd: number,
): void {
  const { f32, i32 } = heap;
  const factor = scale * f32[upstream >> 2];
  for (let r = 0; r < rows; r++) {
    const logTotal = f32[(lse >> 2) + r];
    const label = i32[(labels >> 2) + r];
    const gradient = row(heap, logits, r, cols, ldx).map((value, k) =>
      label < 0 ? 0 : factor * (Math.exp(value - logTotal) - (k === label ? 1 : 0)),
    );
    writeRow(heap, dlogits, r, ldd, gradient, beta);
  }
}
