import { init } from "../../src/runtime/context.js";
import type { Heap } from "../../src/runtime/heap.js";
import { type Kernels, signatures } from "../../src/runtime/kernels.js";
import * as reference from "../reference/index.js";
import type { Reference } from "./kernels.js";

/** Linear memory in ordinary arrays: doubles for proofs about derivatives. Numbers and integers share one array, as the addresses do. */
class DoubleHeap implements Heap {
  f32 = new Float64Array(0);
  i32 = this.f32;
  u8 = new Uint8Array(0);
  sizeBytes = 0;

  copy(to: number, from: number, sizeBytes: number): void {
    this.f32.copyWithin(to >> 2, from >> 2, (from + sizeBytes) >> 2);
    this.u8.copyWithin(to, from, from + sizeBytes);
  }

  grow(sizeBytes: number): void {
    if (sizeBytes <= this.sizeBytes) return;
    this.sizeBytes = Math.max(sizeBytes, 2 * this.sizeBytes);
    const numbers = new Float64Array(this.sizeBytes >> 2);
    numbers.set(this.f32);
    this.f32 = numbers;
    this.i32 = numbers;
    const bytes = new Uint8Array(this.sizeBytes);
    bytes.set(this.u8);
    this.u8 = bytes;
  }
}

/** Starts the runtime on the reference kernels in double precision. */
export async function initDouble(): Promise<void> {
  const heap = new DoubleHeap();
  const references = reference as unknown as Record<string, Reference>;
  const bound = Object.fromEntries(
    Object.keys(signatures).map((name) => [name, (...args: number[]) => callReference(references, heap, name, args)]),
  );
  await init({ kernels: { heap, kernels: bound as unknown as Kernels } });
}

function callReference(references: Record<string, Reference>, heap: Heap, name: string, args: number[]): void {
  const kernel = references[name];
  if (!kernel) throw new Error(`test/reference has no ${name}`);
  kernel(heap, ...args);
}
