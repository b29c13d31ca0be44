import { compileKernels, instantiateKernels, type KernelName, signatures } from "../../src/runtime/kernels.js";
import { kernels } from "../../src/runtime/launch.js";
import { WasmHeap } from "../../src/runtime/memory.js";
import { Pool } from "../../src/runtime/pool.js";
import { threadsProblem } from "../../src/runtime/threads.js";
import { LEAST_SHARED_US } from "../../src/runtime/work.js";
import { empty } from "../../src/tensor/create.js";
import type { BenchCase } from "../case.js";

const FIRST_SCRATCH = 65536;
const SCRATCH_BYTES = 4 << 20;
const DATA_AT = FIRST_SCRATCH + 2 * SCRATCH_BYTES;

/** Two threads on a memory of their own, so that the case does not depend on how many the run has. */
async function pair(): Promise<Pool> {
  const heap = new WasmHeap({ initialBytes: DATA_AT + SCRATCH_BYTES, shared: true });
  const module = compileKernels(undefined, true);
  const raw = instantiateKernels(heap.memory, module);
  const scratch = [FIRST_SCRATCH, FIRST_SCRATCH + SCRATCH_BYTES];
  return Pool.start({ threads: 2, module, memory: heap.memory, raw, scratch });
}

const pool = threadsProblem() === null ? await pair() : null;

/** What it costs to reach a kernel: a call on this thread, and a call of two parts until both are done, threads awake. */
export const cases: readonly BenchCase[] = [
  {
    name: "launch fill 4",
    unit: "us",
    work: 1,
    prepare: () => {
      const y = empty([4]);
      return () => kernels.fill_f32(4, 1, y.ptr);
    },
  },
  ...(pool
    ? [{ name: "launch fill 32 in two parts", unit: "us", work: 1, prepare: () => divided(pool) } as const]
    : []),
];

function divided(threads: Pool): () => void {
  const fill = (Object.keys(signatures) as KernelName[]).indexOf("fill_f32");
  threads.args.set([32, 1, DATA_AT]);
  return () => threads.divide(fill, LEAST_SHARED_US);
}
