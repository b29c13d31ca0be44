import { bindShared } from "../../src/runtime/generated/kernels.js";
import type { HostWorker } from "../../src/runtime/host-worker.js";
import {
  compileKernels,
  instantiateKernels,
  type KernelName,
  type Kernels,
  type RawKernel,
} from "../../src/runtime/kernels.js";
import { WasmHeap } from "../../src/runtime/memory.js";
import { Pool } from "../../src/runtime/pool.js";
import { costs } from "../../src/runtime/work.js";

/** Addresses from here on are working memory of the threads; what allocates stays below. */
const SCRATCH_AT = 64 << 20;
const SCRATCH_BYTES = 4 << 20;

/** For init(), beside `kernels`. */
export const FORCED_MEMORY = "64MiB";

export interface ForcedThreads {
  readonly heap: WasmHeap;
  readonly kernels: Kernels;
  readonly pool: Pool;
}

export interface ForcedOptions {
  wasm?: Uint8Array;
  start?: (source: string) => HostWorker;
  /** Puts other kernels in the place of the calling thread's. */
  own?: (raw: Record<KernelName, RawKernel>) => Partial<Record<KernelName, RawKernel>>;
}

/** Kernels of which every call is divided, also one that is far too small to be worth it. */
export async function forcedThreads(threads: number, { wasm, start, own }: ForcedOptions = {}): Promise<ForcedThreads> {
  const heap = new WasmHeap({ initialBytes: SCRATCH_AT + threads * SCRATCH_BYTES, shared: true });
  const { memory } = heap;
  const module = compileKernels(wasm, true);
  const compiled = instantiateKernels(memory, module);
  const raw = { ...compiled, ...own?.(compiled) };
  const scratch = Array.from({ length: threads }, (_, thread) => SCRATCH_AT + thread * SCRATCH_BYTES);
  const pool = await Pool.start({ threads, module, memory, raw, scratch, ...(start && { start }) });
  const kernels = bindShared(raw, {
    scratch: scratch[0],
    args: pool.args,
    // As if each call took long, so that it is cut into as many parts as there may be.
    costs: Object.fromEntries(Object.keys(costs).map((name) => [name, () => 1e6])) as typeof costs,
    leastUs: 0,
    rests: () => false,
    divide: (kernel, us) => pool.divide(kernel, us),
  });
  return { heap, kernels, pool };
}
