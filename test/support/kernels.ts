import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import type { Heap } from "../../src/runtime/heap.js";
import { instantiateKernels, type KernelName, type RawKernel, signatures } from "../../src/runtime/kernels.js";
import { WasmHeap } from "../../src/runtime/memory.js";
import { useTallTiles } from "../../src/runtime/tall-tiles.js";
import { noteKernelCase } from "./recorder.js";

const GUARD = 12345.678;
const GUARD_WORDS = 16;
const FIRST_ADDRESS = 1 << 20;
const SCRATCH_BYTES = 4 << 20;

/** A reference kernel: the kernel's own parameters without scratch and range, on any heap. */
export type Reference = (heap: Heap, ...args: number[]) => void;

interface Block {
  label: string;
  ptr: number;
  words: number;
  output: boolean;
  before: Float32Array;
}

/**
 * The kernels under test: those of this build, or of the module that the variable POA_TEST_WASM names, where POA_TEST_TALL
 * chooses the taller register tile of the relaxed build.
 */
export function kernelsOn(heap: WasmHeap): Record<KernelName, RawKernel> {
  const path = process.env.POA_TEST_WASM;
  useTallTiles(heap, process.env.POA_TEST_TALL !== undefined);
  return instantiateKernels(heap.memory, path ? readFileSync(path) : undefined);
}

/** A repeatable stream of numbers, so that each run of a comparison sees the same inputs. */
export function seeded(seed: number): () => number {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

/** Lays out inputs and outputs of one kernel call, each between guard words. */
export class TestMemory {
  readonly heap: WasmHeap;
  readonly blocks: Block[] = [];
  private top = FIRST_ADDRESS;
  private readonly next = seeded(7);

  constructor(heap: WasmHeap) {
    this.heap = heap;
  }

  /** Numbers uniform in [low, high), or the given ones. Returns the pointer. */
  input(values: number | ArrayLike<number>, { low = -1, high = 1 } = {}): number {
    const data =
      typeof values === "number"
        ? Float32Array.from({ length: values }, () => low + (high - low) * this.next())
        : Float32Array.from(values);
    return this.place("input", data, false);
  }

  /** 32-bit integers. */
  ints(values: ArrayLike<number>): number {
    const data = new Float32Array(Int32Array.from(values).buffer);
    return this.place("ints", data, false);
  }

  /** Bytes, padded with zeros to whole words. */
  bytes(values: ArrayLike<number>, { output = false, label = "bytes" } = {}): number {
    const padded = new Uint8Array((values.length + 3) & ~3);
    padded.set(Uint8Array.from(values));
    return this.place(label, new Float32Array(padded.buffer), output);
  }

  /** An output of `words` numbers: NaN-filled, or holding seeded numbers when the kernel accumulates (beta 1). */
  output(words: number, { beta = 0, label = "output" } = {}): number {
    const data = Float32Array.from({ length: words }, () => (beta === 0 ? Number.NaN : 2 * this.next() - 1));
    return this.place(label, data, true);
  }

  /** The words of a block, copied. */
  words(ptr: number, words: number): Float32Array {
    return this.heap.f32.slice(ptr >> 2, (ptr >> 2) + words);
  }

  checkGuards(run: string): void {
    for (const { label, ptr, words, output, before } of this.blocks) {
      const at = ptr >> 2;
      for (let i = 1; i <= GUARD_WORDS; i++) {
        assert.is(this.heap.f32[at - i], Math.fround(GUARD), `${run}: wrote ${i} words before ${label}`);
        assert.is(this.heap.f32[at + words + i - 1], Math.fround(GUARD), `${run}: wrote ${i - 1} words past ${label}`);
      }
      if (!output) assert.equal(bits(this.words(ptr, words)), bits(before), `${run}: changed an input`);
    }
  }

  private place(label: string, data: Float32Array, output: boolean): number {
    const ptr = this.top + 4 * GUARD_WORDS;
    this.top = (ptr + 4 * (data.length + GUARD_WORDS) + 63) & ~63;
    this.heap.grow(this.top + 64);
    const at = ptr >> 2;
    this.heap.f32.fill(GUARD, at - GUARD_WORDS, at + data.length + GUARD_WORDS);
    new Int32Array(this.heap.f32.buffer).set(new Int32Array(data.buffer, data.byteOffset, data.length), at);
    this.blocks.push({ label, ptr, words: data.length, output, before: this.words(ptr, data.length) });
    return ptr;
  }
}

function bits(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}

/** How a kernel is compared with its reference. */
export interface KernelCase {
  /** Lays out the call and returns the kernel's visible arguments; must be deterministic. */
  args: (memory: TestMemory) => number[];
  /** |a − b| ≤ atol + rtol·|b|; default 1e-6 and 1e-5. */
  atol?: number;
  rtol?: number;
  /** Ranges must begin at a multiple of this; default 1. */
  grain?: number;
  /** How outputs are read: as f32 (default), as exact 32-bit integers, or as bytes within `byteTolerance` levels. */
  compare?: "f32" | "i32" | "u8";
  byteTolerance?: number;
}

/**
 * Checks one call three ways: outputs agree with the reference, nothing but outputs is written, and cutting the parallel
 * axis into ranges changes no bit.
 */
export function checkKernel(name: KernelName, reference: Reference, testCase: KernelCase): void {
  const whole = run(name, testCase, ({ invoke, extent }) => invoke(0, extent));
  const expected = run(name, testCase, ({ heap, visible }) => reference(heap, ...visible));
  const grain = testCase.grain ?? 1;
  let ranges = 0;
  const split = run(name, testCase, ({ invoke, extent }) => {
    const cuts = [0, 1 / 5, 1 / 2, 1].map((share) =>
      share === 1 ? extent : Math.floor((share * extent) / grain) * grain,
    );
    for (let i = cuts.length - 1; i > 0; i--) {
      invoke(cuts[i - 1], cuts[i]);
      if (cuts[i - 1] < cuts[i]) ranges++;
    }
  });
  whole.checkGuards(name);
  split.checkGuards(`${name} in ranges`);
  let error = 0;
  whole.blocks.forEach((block, i) => {
    if (!block.output) return;
    const actual = whole.words(block.ptr, block.words);
    assert.equal(
      bits(split.words(split.blocks[i].ptr, block.words)),
      bits(actual),
      `${name}: ${block.label} depends on how the axis is split`,
    );
    const wanted = expected.words(expected.blocks[i].ptr, block.words);
    assertClose(`${name}: ${block.label}`, actual, wanted, testCase);
    error = Math.max(error, largestError(actual, wanted, testCase));
  });
  noteKernelCase(name, { error, unit: testCase.compare ?? "f32", split: ranges > 1 });
}

interface Call {
  heap: Heap;
  visible: number[];
  extent: number;
  invoke: (begin: number, end: number) => void;
}

function run(name: KernelName, { args }: KernelCase, body: (call: Call) => void): TestMemory {
  const heap = new WasmHeap({ initialBytes: 2 << 20 });
  const raw = kernelsOn(heap);
  const memory = new TestMemory(heap);
  const visible = args(memory);
  const { arity, scratch } = signatures[name];
  assert.is(visible.length, arity, `${name}: number of arguments`);
  const scratchAt = scratch ? [placeScratch(heap)] : [];
  body({ heap, visible, extent: visible[0], invoke: (begin, end) => raw[name](...visible, ...scratchAt, begin, end) });
  return memory;
}

/** Room for the working memory of one thread, filled with NaN. */
export function placeScratch(heap: WasmHeap): number {
  const at = (heap.sizeBytes + 63) & ~63;
  heap.grow(at + SCRATCH_BYTES);
  heap.f32.fill(Number.NaN, at >> 2, (at + SCRATCH_BYTES) >> 2);
  return at;
}

/** |a − b| / max(1, |b|) at its largest; of bytes, levels; integers have been found equal. */
function largestError(actual: Float32Array, expected: Float32Array, { compare = "f32" }: KernelCase): number {
  if (compare === "i32") return 0;
  const [a, b] = [actual, expected].map((values) => (compare === "u8" ? bytes(values) : values));
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const size = compare === "u8" ? 1 : Math.max(1, Math.abs(b[i]));
    if (!Object.is(a[i], b[i])) largest = Math.max(largest, Math.abs(a[i] - b[i]) / size);
  }
  return largest;
}

function bytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, 4 * values.length);
}

function assertClose(what: string, actual: Float32Array, expected: Float32Array, testCase: KernelCase): void {
  const { atol = 1e-6, rtol = 1e-5, compare = "f32", byteTolerance = 0 } = testCase;
  if (compare === "i32") {
    assert.equal(bits(actual), bits(expected), what);
    return;
  }
  const [a, b] = [actual, expected].map((values) => (compare === "u8" ? bytes(values) : values));
  for (let i = 0; i < a.length; i++) {
    const limit = compare === "u8" ? byteTolerance : atol + rtol * Math.abs(b[i]);
    if (!(Math.abs(a[i] - b[i]) <= limit) && !Object.is(a[i], b[i])) {
      assert.unreachable(`${what}: entry ${i} is ${a[i]}, the reference gives ${b[i]} (allowed difference ${limit})`);
    }
  }
}
