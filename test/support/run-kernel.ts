import { type KernelName, signatures } from "../../src/runtime/kernels.js";
import { WasmHeap } from "../../src/runtime/memory.js";
import { kernelsOn, placeScratch, TestMemory } from "./kernels.js";

/**
 * Runs a compiled kernel once over its whole axis.
 *
 * @param args  lays out the call and returns the kernel's visible arguments
 * @returns the outputs in the order in which they were laid out
 */
export function runKernel(name: KernelName, args: (memory: TestMemory) => number[]): Float32Array[] {
  const heap = new WasmHeap({ initialBytes: 2 << 20 });
  const raw = kernelsOn(heap);
  const memory = new TestMemory(heap);
  const visible = args(memory);
  const scratch = signatures[name].scratch ? [placeScratch(heap)] : [];
  raw[name](...visible, ...scratch, 0, visible[0]);
  return memory.blocks.filter(({ output }) => output).map(({ ptr, words }) => memory.words(ptr, words));
}
