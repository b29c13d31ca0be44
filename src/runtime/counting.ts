import { AddressSpace, PersistentArena, StepArena } from "./arena.js";
import { firstAddress, type Runtime, runApart } from "./context.js";
import type { Heap } from "./heap.js";
import { type KernelName, type Kernels, signatures } from "./kernels.js";
import { ADDRESS_SPACE_BYTES, beyondLimit, PAGE_BYTES } from "./memory.js";
import { multiplyAddsOf } from "./multiply-adds.js";
import { costs } from "./work.js";

/** An array of which there is nothing: what is written is forgotten, what is read is zero. */
function nothing<A extends Float32Array | Int32Array | Uint8Array>(zeros: (length: number) => A): A {
  const array = {
    slice: (begin = 0, end = begin) => zeros(end - begin),
    subarray: () => absent,
    set: () => {},
    fill: () => absent,
  };
  const absent: A = new Proxy(array, {
    get: (target, name) => Reflect.get(target, name) ?? 0,
    set: () => true,
  }) as unknown as A;
  return absent;
}

/** A heap that only grows in number. */
class CountedHeap implements Heap {
  readonly f32 = nothing((length) => new Float32Array(length));
  readonly i32 = nothing((length) => new Int32Array(length));
  readonly u8 = nothing((length) => new Uint8Array(length));
  sizeBytes: number;
  readonly limitBytes: number;

  constructor(initialBytes: number, limitBytes: number) {
    this.sizeBytes = initialBytes;
    this.limitBytes = limitBytes;
  }

  copy(): void {}

  grow(sizeBytes: number): void {
    if (sizeBytes > this.limitBytes) throw beyondLimit(sizeBytes, this);
    this.sizeBytes = Math.max(this.sizeBytes, Math.ceil(sizeBytes / PAGE_BYTES) * PAGE_BYTES);
  }
}

export interface CounterOptions {
  /** Threads of the runtime that is imitated: each has working memory. Default 1. */
  readonly threads?: number;
  /** Where linear memory ends. Default without end. */
  readonly limitBytes?: number;
}

/**
 * A runtime in which every allocation takes its place by the rules of the real one, but no memory is there, and in which
 * kernels are counted and not run. What runs in it must not let a number that it reads decide how it goes on: all are zero.
 */
export class Counter {
  /** Multiply-adds of all products so far. */
  multiplyAdds = 0;
  /** What all kernels so far would take on one thread, by the estimates of work.ts, in microseconds. */
  serialUs = 0;
  /** Calls of kernels so far. */
  calls = 0;
  private outsideBytes = 0;
  private readonly heap: CountedHeap;
  private readonly runtime: Runtime;
  private readonly kernels: Kernels;

  constructor({ threads = 1, limitBytes = Number.POSITIVE_INFINITY }: CounterOptions = {}) {
    this.heap = new CountedHeap(firstAddress(threads), limitBytes);
    const space = new AddressSpace(this.heap, firstAddress(threads));
    this.runtime = {
      heap: this.heap,
      persistent: new PersistentArena(space),
      step: new StepArena(space),
      outside: (count) => {
        this.outsideBytes += 4 * count;
        return this.heap.f32;
      },
      threads,
      threadsProblem: null,
      memoryLimitBytes: Math.min(limitBytes, ADDRESS_SPACE_BYTES),
      simd: "plain",
    };
    this.kernels = Object.fromEntries(
      (Object.keys(signatures) as KernelName[]).map((name) => [name, this.counted(name)]),
    ) as unknown as Kernels;
  }

  /** Runs fn in this runtime; the live one stays as it is. @throws MemoryError beyond the limit */
  run<T>(fn: () => T): T {
    return runApart(this.runtime, this.kernels, fn);
  }

  /** What is in use by now, as `memory()` says it of the live runtime, and numbers held outside of linear memory. */
  get bytes() {
    const { persistent, step } = this.runtime;
    return {
      persistentBytes: persistent.usedBytes,
      peakStepBytes: step.peakBytes,
      heapBytes: this.heap.sizeBytes,
      outsideBytes: this.outsideBytes,
    };
  }

  private counted(name: KernelName): (...args: number[]) => void {
    const cost = costs[name];
    return (...args) => {
      this.calls++;
      this.multiplyAdds += multiplyAddsOf(name, args);
      this.serialUs += cost(...args.slice(0, signatures[name].extents.length));
    };
  }
}
