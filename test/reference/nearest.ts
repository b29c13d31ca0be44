import type { Heap } from "../../src/runtime/heap.js";

export function nearest_rows_f32(
  heap: Heap,
  rows: number,
  count: number,
  cols: number,
  queries: number,
  ldq: number,
  bank: number,
  ldb: number,
  k: number,
  excludeSelf: number,
  index: number,
  similarity: number,
): void {
  const { f32, i32 } = heap;
  for (let r = 0; r < rows; r++) {
    const found: { j: number; product: number }[] = [];
    for (let j = 0; j < count; j++) {
      if (excludeSelf && j === r) continue;
      let product = 0;
      for (let c = 0; c < cols; c++) product += f32[(queries >> 2) + r * ldq + c] * f32[(bank >> 2) + j * ldb + c];
      if (product > Number.NEGATIVE_INFINITY) found.push({ j, product });
    }
    found.sort((a, b) => b.product - a.product || a.j - b.j);
    for (let i = 0; i < k; i++) {
      i32[(index >> 2) + r * k + i] = found[i]?.j ?? 0;
      f32[(similarity >> 2) + r * k + i] = found[i]?.product ?? Number.NEGATIVE_INFINITY;
    }
  }
}
