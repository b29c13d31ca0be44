import type { Heap } from "../../src/runtime/heap.js";

export function log_distance_f32(
  heap: Heap,
  rows: number,
  cols: number,
  z: number,
  ldz: number,
  neighbour: number,
  eps: number,
  distance: number,
  y: number,
): void {
  const { f32, i32 } = heap;
  for (let r = 0; r < rows; r++) {
    const other = i32[(neighbour >> 2) + r];
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += (f32[(z >> 2) + r * ldz + c] - f32[(z >> 2) + other * ldz + c] + eps) ** 2;
    f32[(distance >> 2) + r] = Math.sqrt(sum);
    f32[(y >> 2) + r] = -Math.log(Math.sqrt(sum) + eps);
  }
}

export function log_distance_grad_f32(
  heap: Heap,
  cols: number,
  rows: number,
  z: number,
  ldz: number,
  neighbour: number,
  eps: number,
  distance: number,
  dy: number,
  beta: number,
  dz: number,
): void {
  const { f32, i32 } = heap;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) if (beta === 0) f32[(dz >> 2) + r * ldz + c] = 0;
  }
  for (let r = 0; r < rows; r++) {
    const d = f32[(distance >> 2) + r];
    if (d === 0) continue;
    const other = i32[(neighbour >> 2) + r];
    for (let c = 0; c < cols; c++) {
      const difference = f32[(z >> 2) + r * ldz + c] - f32[(z >> 2) + other * ldz + c] + eps;
      const u = (-f32[(dy >> 2) + r] * difference) / (d * (d + eps));
      f32[(dz >> 2) + r * ldz + c] += u;
      f32[(dz >> 2) + other * ldz + c] -= u;
    }
  }
}
