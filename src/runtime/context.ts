import { ConfigError, MemoryError, ResourceError } from "../errors.js";
import { AddressSpace, PersistentArena, StepArena } from "./arena.js";
import { wasmProblem } from "./features.js";
import { bindSerial, bindShared } from "./generated/kernels.js";
import type { Heap } from "./heap.js";
import { compileKernels, instantiateKernels, type Kernels, relaxedModule, type SimdBuild } from "./kernels.js";
import { kernels, setKernels } from "./launch.js";
import { ADDRESS_SPACE_BYTES, WasmHeap } from "./memory.js";
import { Pool } from "./pool.js";
import { chooseTiles } from "./tall-tiles.js";
import { threadsProblem, wantedThreads } from "./threads.js";
import { costs, LEAST_SHARED_US } from "./work.js";

/** The first page holds the constants table of the kernels. */
const FIRST_FREE_ADDRESS = 65536;
/** Working memory of one thread's kernels. */
const SCRATCH_BYTES = 4 << 20;

/** The live runtime: one memory, its arenas, its kernels. */
export interface Runtime {
  readonly heap: Heap;
  readonly persistent: PersistentArena;
  readonly step: StepArena;
  /** Zeros in an ordinary array, which no kernel reaches, of numbers as exact as the heap's. */
  readonly outside: (count: number) => Float32Array | Float64Array;
  /** Threads that compute, the calling one included. */
  readonly threads: number;
  /** Why there is only one although more were wanted, or null. */
  readonly threadsProblem: string | null;
  readonly memoryLimitBytes: number;
  readonly simd: SimdBuild;
}

/** Kernels on a heap of their own, in place of the compiled ones. */
export interface KernelProvider {
  readonly heap: Heap;
  readonly kernels: Kernels;
}

/** How the runtime starts. */
export interface InitOptions {
  /** Limit of linear memory: bytes or "512MiB", "2GiB". Default 4 GiB, the address space. */
  memory?: number | string;
  /**
   * Threads that compute, the calling one included; "all" for as many as there are cores. Default POA_THREADS, where the
   * host has an environment, else 1. Results are equal bit for bit whatever the number. A host that shares no memory, or
   * has no workers, computes on one.
   */
  threads?: number | "all";
  /**
   * Build of the kernels. "relaxed" multiplies matrices faster with fused multiply-adds, whose rounding differs between
   * hosts: results are then not the same everywhere (docs/determinism.md). Default "plain".
   */
  simd?: SimdBuild;
  /** A module in place of the inlined one. One that is compiled already runs on one thread. */
  wasm?: Uint8Array | WebAssembly.Module;
  /** Other kernels, for instance the reference kernels in double precision. */
  kernels?: KernelProvider;
}

let live: Runtime | null = null;
let livePool: Pool | null = null;
/** Counts calls of init() and dispose(), so that one that is overtaken while its threads start gives way. */
let starts = 0;

/**
 * Starts the runtime. A second call replaces the first; tensors of the first then throw ReleasedError.
 *
 * @returns the live runtime
 * @throws ConfigError for a memory limit, thread count or build that is not understood, a host without relaxed SIMD where
 *   that is asked for, or a module that does not fit
 * @throws ResourceError on a host that runs no WebAssembly with SIMD
 */
export async function init(options: InitOptions = {}): Promise<Runtime> {
  dispose();
  const start = starts;
  const memoryLimitBytes = parseMemory(options.memory ?? ADDRESS_SPACE_BYTES);
  const threads = options.kernels ? 1 : wantedThreads(options.threads);
  if (memoryLimitBytes < firstAddress(threads)) {
    const least = Math.ceil(firstAddress(threads) / 2 ** 20);
    const fewer = threads > 1 ? " Allow more, or use fewer threads." : " Allow more.";
    throw new ConfigError(`init: memory is ${show(options.memory)}; the kernels alone take ${least} MiB.${fewer}`);
  }
  const simd = checkedSimd(options.simd ?? "plain");
  const blocked = options.kernels ? null : wasmProblem();
  if (blocked) throw new ResourceError(`init: ${blocked}`);
  const bound = options.kernels
    ? { ...options.kernels, threads, problem: null, pool: null }
    : await bindKernels(threads, memoryLimitBytes, { simd, wasm: options.wasm ?? (await moduleOf(simd)) });
  if (start !== starts) {
    bound.pool?.dispose();
    throw new ConfigError("init: another init() or dispose() came before this one was done. Await each.");
  }
  const { heap, problem } = bound;
  setKernels(bound.kernels);
  livePool = bound.pool;
  const space = new AddressSpace(heap, firstAddress(bound.threads));
  const arenas = { persistent: new PersistentArena(space), step: new StepArena(space) };
  const numbers = heap.f32.constructor as new (count: number) => Float32Array | Float64Array;
  const outside = (count: number) => new numbers(count);
  live = { heap, ...arenas, outside, threads: bound.threads, threadsProblem: problem, memoryLimitBytes, simd };
  return live;
}

/** Each thread's working memory lies behind the first page, and all else behind that. */
const scratchOf = (thread: number) => FIRST_FREE_ADDRESS + thread * SCRATCH_BYTES;
/** Where arenas begin. */
export const firstAddress = (threads: number) => scratchOf(threads);

interface Bound {
  readonly heap: Heap;
  readonly kernels: Kernels;
  readonly threads: number;
  readonly problem: string | null;
  readonly pool: Pool | null;
}

/** A module and which of the builds it is; without one, the inlined module. */
interface Build {
  readonly simd: SimdBuild;
  readonly wasm: InitOptions["wasm"];
}

/** On as many threads as wanted, or on one where the host has no more. */
async function bindKernels(threads: number, limitBytes: number, build: Build): Promise<Bound> {
  if (threads === 1) return bindOne(limitBytes, build, null);
  const problem = build.wasm instanceof WebAssembly.Module ? "the wasm module is compiled already" : threadsProblem();
  if (problem) return bindOne(limitBytes, build, problem);
  try {
    return await bindMany(threads, limitBytes, build);
  } catch (error) {
    if (!(error instanceof ResourceError || error instanceof MemoryError)) throw error;
    return bindOne(limitBytes, build, error.message);
  }
}

function bindOne(limitBytes: number, { simd, wasm }: Build, problem: string | null): Bound {
  const heap = new WasmHeap({ initialBytes: firstAddress(1), limitBytes });
  const raw = instantiateKernels(heap.memory, wasm);
  if (simd === "relaxed") chooseTiles(heap, raw.gemm_f32, scratchOf(0));
  return { heap, kernels: bindSerial(raw, scratchOf(0)), threads: 1, problem, pool: null };
}

/** @throws ResourceError if the threads do not start, MemoryError if the host gives no shared memory */
async function bindMany(threads: number, limitBytes: number, { simd, wasm }: Build): Promise<Bound> {
  const module = compileKernels(wasm, true);
  const heap = new WasmHeap({ initialBytes: firstAddress(threads), limitBytes, shared: true });
  const { memory } = heap;
  const raw = instantiateKernels(memory, module);
  if (simd === "relaxed") chooseTiles(heap, raw.gemm_f32, scratchOf(0));
  const scratch = Array.from({ length: threads }, (_, thread) => scratchOf(thread));
  const pool = await Pool.start({ threads, module, memory, raw, scratch });
  const kernels = bindShared(raw, {
    scratch: scratchOf(0),
    args: pool.args,
    costs,
    leastUs: LEAST_SHARED_US,
    rests: (us) => pool.rests(us),
    divide: (kernel, us) => pool.divide(kernel, us),
  });
  return { heap, kernels, threads, problem: null, pool };
}

/** The live runtime. @throws ConfigError before init() */
export function runtime(): Runtime {
  if (!live) throw new ConfigError("poa: the runtime is not running. Call `await init()` first.");
  return live;
}

/** Whether the runtime is running. */
export function isRunning(): boolean {
  return live !== null;
}

/** Stops the runtime and its threads; its memory is collected once nothing refers to it, and its tensors throw ReleasedError. */
export function dispose(): void {
  if (live) {
    live.persistent.alive = false;
    live.step.abandon();
  }
  live = null;
  livePool?.dispose();
  livePool = null;
  starts++;
  setKernels(null);
}

/** Runs fn with another runtime in the place of the live one, if there is one. */
export function runApart<T>(other: Runtime, itsKernels: Kernels, fn: () => T): T {
  const [before, kernelsBefore] = [live, kernels];
  live = other;
  setKernels(itsKernels);
  try {
    return fn();
  } finally {
    live = before;
    setKernels(before ? kernelsBefore : null);
  }
}

/** Bytes in use: persistent and step memory, and the highest step memory so far. */
export function memory(): { persistentBytes: number; stepBytes: number; peakStepBytes: number; heapBytes: number } {
  const { persistent, step, heap } = runtime();
  return {
    persistentBytes: persistent.usedBytes,
    stepBytes: step.usedBytes,
    peakStepBytes: step.peakBytes,
    heapBytes: heap.sizeBytes,
  };
}

function parseMemory(limit: number | string): number {
  if (typeof limit === "number" && limit > 0) return Math.min(limit, ADDRESS_SPACE_BYTES);
  const match = /^(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB)$/.exec(String(limit));
  if (!match)
    throw new ConfigError(`init: memory is ${show(limit)}; expected bytes or a text like "512MiB" or "2GiB".`);
  const unit = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[match[2] as "KiB" | "MiB" | "GiB"];
  return Math.min(Number(match[1]) * unit, ADDRESS_SPACE_BYTES);
}

/** The module of a build; undefined for the one that is inlined. */
const moduleOf = async (simd: SimdBuild) => (simd === "relaxed" ? relaxedModule() : undefined);

function checkedSimd(simd: SimdBuild): SimdBuild {
  if (simd === "plain" || simd === "relaxed") return simd;
  throw new ConfigError(`init: simd is ${show(simd)}; expected "plain" or "relaxed".`);
}

const show = (value: unknown) => (typeof value === "string" ? JSON.stringify(value) : String(value));
