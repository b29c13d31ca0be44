import { ConfigError } from "../errors.js";
import { AddressSpace, PersistentArena, StepArena } from "./arena.js";
import { bindSerial } from "./generated/kernels.js";
import type { Heap } from "./heap.js";
import { instantiateKernels, type Kernels, relaxedModule, type SimdBuild } from "./kernels.js";
import { setKernels } from "./launch.js";
import { ADDRESS_SPACE_BYTES, WasmHeap } from "./memory.js";
import { chooseTiles } from "./tall-tiles.js";

/** The first page holds the constants table of the kernels. */
const FIRST_FREE_ADDRESS = 65536;
/** Working memory of one thread's kernels. */
const SCRATCH_BYTES = 4 << 20;

/** The live runtime: one memory, its arenas, its kernels. */
export interface Runtime {
  readonly heap: Heap;
  readonly persistent: PersistentArena;
  readonly step: StepArena;
  readonly threads: number;
  readonly memoryLimitBytes: number;
  readonly simd: SimdBuild;
}

/** Kernels on a heap of their own, in place of the compiled ones. */
export interface KernelProvider {
  readonly heap: Heap;
  readonly kernels: Kernels;
}

export interface InitOptions {
  /** Limit of linear memory: bytes or "512MiB", "2GiB". Default 4 GiB, the address space. */
  memory?: number | string;
  /** Threads, or "all". Kernels run on one thread in this version, whatever is asked. */
  threads?: number | "all";
  /**
   * Build of the kernels. "relaxed" multiplies matrices faster with fused multiply-adds, whose rounding differs between
   * hosts: results are then not the same everywhere (docs/determinism.md). Default "plain".
   */
  simd?: SimdBuild;
  /** A compiled module in place of the inlined one. */
  wasm?: Uint8Array | WebAssembly.Module;
  /** Other kernels, for instance the reference kernels in double precision. */
  kernels?: KernelProvider;
}

let live: Runtime | null = null;

/**
 * Starts the runtime. A second call replaces the first; tensors of the first then throw ReleasedError.
 *
 * @returns the live runtime
 * @throws ConfigError for a memory limit, thread count or build that is not understood, a host without relaxed SIMD where
 *   that is asked for, or a module that does not fit
 */
export async function init(options: InitOptions = {}): Promise<Runtime> {
  dispose();
  const memoryLimitBytes = parseMemory(options.memory ?? ADDRESS_SPACE_BYTES);
  checkThreads(options.threads ?? 1);
  const scratch = FIRST_FREE_ADDRESS;
  const firstAddress = scratch + SCRATCH_BYTES;
  if (memoryLimitBytes < firstAddress) {
    const least = Math.ceil(firstAddress / 2 ** 20);
    throw new ConfigError(`init: memory is ${show(options.memory)}; the kernels alone take ${least} MiB. Allow more.`);
  }
  const simd = checkedSimd(options.simd ?? "plain");
  const relaxed = simd === "relaxed" && !options.kernels;
  const wasm = options.wasm ?? (relaxed ? await relaxedModule() : undefined);
  let heap: Heap;
  if (options.kernels) {
    heap = options.kernels.heap;
    setKernels(options.kernels.kernels);
  } else {
    const wasmHeap = new WasmHeap({ initialBytes: firstAddress, limitBytes: memoryLimitBytes });
    const raw = instantiateKernels(wasmHeap.memory, wasm);
    if (relaxed) chooseTiles(wasmHeap, raw.gemm_f32, scratch);
    setKernels(bindSerial(raw, scratch));
    heap = wasmHeap;
  }
  const space = new AddressSpace(heap, firstAddress);
  live = {
    heap,
    persistent: new PersistentArena(space),
    step: new StepArena(space),
    threads: 1,
    memoryLimitBytes,
    simd,
  };
  return live;
}

/** The live runtime. @throws ConfigError before init() */
export function runtime(): Runtime {
  if (!live) throw new ConfigError("poa: the runtime is not running. Call `await init()` first.");
  return live;
}

/** Stops the runtime; its memory is collected once nothing refers to it, and its tensors throw ReleasedError. */
export function dispose(): void {
  if (live) {
    live.persistent.alive = false;
    live.step.abandon();
  }
  live = null;
  setKernels(null);
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

function checkThreads(threads: number | "all"): void {
  if (threads === "all" || (Number.isInteger(threads) && threads >= 1)) return;
  throw new ConfigError(`init: threads is ${show(threads)}; expected a whole number from 1 on, or "all".`);
}

function checkedSimd(simd: SimdBuild): SimdBuild {
  if (simd === "plain" || simd === "relaxed") return simd;
  throw new ConfigError(`init: simd is ${show(simd)}; expected "plain" or "relaxed".`);
}

const show = (value: unknown) => (typeof value === "string" ? JSON.stringify(value) : String(value));
