import type { BenchCase } from "../../src/cli/bench/case.js";
import { compileKernels, instantiateKernels, type KernelName, signatures } from "../../src/runtime/kernels.js";
import { kernels } from "../../src/runtime/launch.js";
import { WasmHeap } from "../../src/runtime/memory.js";
import { Pool } from "../../src/runtime/pool.js";
import { threadsProblem } from "../../src/runtime/threads.js";
import { LEAST_SHARED_US } from "../../src/runtime/work.js";
import { empty } from "../../src/tensor/create.js";

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

/** Enough that a thread which is awake takes its part before the other is done. */
const PART = 8192;

/**
 * What it costs to reach a kernel. The time of a call in two parts, less that of one part alone, is what the division
 * costs on an idle machine: until the other thread has seen the call, and until this one has seen its end.
 */
export const cases: readonly BenchCase[] = [
  timed("launch fill 4", () => {
    const y = empty([4]);
    return () => kernels.fill_f32(4, 1, y.ptr);
  }),
  timed(`launch gelu ${PART} in one part`, () => {
    const y = empty([PART]);
    return () => kernels.gelu_f32(PART, y.ptr, y.ptr);
  }),
  ...(pool ? [timed(`launch gelu ${2 * PART} in two parts`, () => divided(pool))] : []),
];

function timed(name: string, prepare: BenchCase["prepare"]): BenchCase {
  return { name, unit: "us", work: 1, prepare };
}

function divided(threads: Pool): () => void {
  const gelu = (Object.keys(signatures) as KernelName[]).indexOf("gelu_f32");
  threads.args.set([2 * PART, DATA_AT, DATA_AT]);
  return () => threads.divide(gelu, LEAST_SHARED_US);
}
