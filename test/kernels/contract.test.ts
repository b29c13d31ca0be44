import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { init } from "../../src/runtime/context.js";
import {
  instantiateKernels,
  type KernelName,
  type Kernels,
  type RawKernel,
  signatures,
} from "../../src/runtime/kernels.js";
import { kernels } from "../../src/runtime/launch.js";
import { WasmHeap } from "../../src/runtime/memory.js";
import { checkedModulePath } from "../support/checked-module.js";
import { seeded } from "../support/kernels.js";
import { test } from "../support/test.js";

const checked = new WebAssembly.Module(readFileSync(checkedModulePath));
const [A, B, C, D, E] = [16, 17, 18, 19, 20].map((mib) => mib << 20);
const SCRATCH = 8 << 20;

/** Memory full of seeded numbers in [−1, 1), and the kernels of one build on it. */
function kernelsOn(wasm?: WebAssembly.Module): { heap: WasmHeap; raw: Record<KernelName, RawKernel> } {
  const heap = new WasmHeap({ initialBytes: 21 << 20 });
  const next = seeded(1);
  for (let i = A >> 2; i < heap.f32.length; i++) heap.f32[i] = 2 * next() - 1;
  return { heap, raw: instantiateKernels(heap.memory, wasm) };
}

/** Asserts that a call traps, and that the stack names the expectation, or only the kernel. */
function traps(call: () => void, ...names: string[]): void {
  let stack = "";
  try {
    call();
  } catch (error) {
    assert.instance(error, WebAssembly.RuntimeError);
    stack = (error as Error).stack ?? "";
  }
  assert.ok(stack, `${names.join(", ")}: did not trap`);
  for (const name of names) assert.match(stack, new RegExp(`/${name} `));
}

test("each kernel refuses a range that does not lie on its axis", () => {
  const { raw } = kernelsOn(checked);
  for (const name of Object.keys(signatures) as KernelName[]) {
    const { arity, scratch } = signatures[name];
    const rest = new Array(arity - 1 + Number(scratch)).fill(0);
    for (const [extent, begin, end] of [
      [4, -1, 2],
      [4, 3, 2],
      [4, 0, 5],
      [-1, 0, -1],
    ])
      traps(() => raw[name](extent, ...rest, begin, end), "expect_range", name);
  }
});

/** One broken requirement a line: what the stack names, and the call through the door. */
const broken: [string, KernelName, (k: Kernels) => void][] = [
  ["expect_range", "gelu_f32", (k) => k.gelu_f32(-1, A, B)],
  ["expect_aligned", "gelu_f32", (k) => k.gelu_f32(8, A + 2, B)],
  ["expect_aligned", "add_f32", (k) => k.add_f32(8, A, B, C + 1)],
  ["expect_beta", "gelu_grad_f32", (k) => k.gelu_grad_f32(8, A, B, 2, C)],
  ["expect_beta", "softmax_grad_f32", (k) => k.softmax_grad_f32(2, 4, 1, A, 4, B, 4, Number.NaN, C, 4)],
  ["expect_beta", "weight_norm_grad_f32", (k) => k.weight_norm_grad_f32(2, 4, A, B, C, D, 0, E, 0.5, B)],
  ["expect_rows", "layer_norm_f32", (k) => k.layer_norm_f32(3, 8, A, 7, 1e-6, B, B, C, 8, D)],
  ["expect_rows", "batch_sum_f32", (k) => k.batch_sum_f32(3, 8, 2, A, 24, 8, 0, B, 7)],
  ["expect_at_least", "softmax_f32", (k) => k.softmax_f32(3, 0, A, 8, 1, 0, B, 8)],
  ["expect_positive", "softmax_f32", (k) => k.softmax_f32(3, 8, A, 8, 0, 0, B, 8)],
  ["expect_positive", "adamw_f32", (k) => k.adamw_f32(8, A, B, C, E + 4096, 0, 0.1, 0.1, 0.1, 0, 1, 1, 0, 0)],
  ["expect_none_negative", "adamw_f32", (k) => k.adamw_f32(8, A, B, C, D, 0, 0.1, 0.1, 0.1, 1e-8, 1, 1, 0, 0)],
  ["expect_at_most", "gemm_f32", (k) => k.gemm_f32(4, 8, 385, 1, A, 385, 1, B, 0, 0, C, 8)],
  ["expect_at_most", "gemm_batch_f32", (k) => k.gemm_batch_f32(2, 4, 8, 385, 1, A, 0, 385, 1, B, 0, 8, 1, 0, C, 32, 8)],
  ["expect_rows", "gemm_batch_f32", (k) => k.gemm_batch_f32(2, 4, 8, 5, 1, A, 0, 5, 1, B, 0, 8, 1, 0, C, 32, 7)],
  ["gemm_f32", "gemm_f32", (k) => k.gemm_f32(4, 8, 8, 1, A, 8, 1, B, C, 1, D, 8)],
  ["expect_blocks", "pack_b_f32", (k) => k.pack_b_f32(2, 4, 17, A, 17, 1, B)],
  ["expect_blocks", "sum_blocks_f32", (k) => k.sum_blocks_f32(1, 4097, A, B)],
  ["expect_distinct", "copy_f32", (k) => k.copy_f32(1, 1, 2, 2, A, 1, 1, 2, 1, 0, B, 1, 1, 0, 1)],
  ["expect_divisor", "patchify_f32", (k) => k.patchify_f32(4, 3, 9, 8, 4, A, B)],
  ["expect_divisor", "attention_f32", (k) => k.attention_f32(5, 2, 4, 8, 4, 1, A, 0, 0, 0, 0, 0, 0, B, C)],
  ["expect_scratch", "attention_f32", (k) => k.attention_f32(1, 1, 9000, 64, 9000, 1, A, 0, 0, 0, 0, 0, 0, B, C)],
  ["expect_indices", "gather_rows_f32", (k) => k.gather_rows_f32(1, 4, A, 4, E, B, 4)],
  ["expect_indices", "cross_entropy_labels_f32", (k) => k.cross_entropy_labels_f32(1, 4, A, 4, E, 1, B, C)],
  ["expect_bounds", "resize_vertical_u8", (k) => k.resize_vertical_u8(1, 8, A, 8, 2, E, B, C)],
  ["expect_apart", "blur_u8", (k) => k.blur_u8(4, 4, 3, A, B, 1, A + 47)],
  ["expect_byte", "hue_u8", (k) => k.hue_u8(4, 4, A, 256, B)],
];

test("a broken requirement traps, and the stack names it and the kernel", async () => {
  const { heap } = await init({ wasm: checked });
  heap.grow(22 << 20);
  heap.f32.fill(-1, D >> 2, (D >> 2) + 64);
  heap.i32[E >> 2] = -2;
  for (const [expectation, name, call] of broken) traps(() => call(kernels), expectation, name);
  assert.is(heap.f32[B >> 2], 0, "a refused call wrote");
});

test("the release build asserts nothing", async () => {
  const { heap } = await init();
  heap.grow(22 << 20);
  kernels.gelu_grad_f32(8, A + 4, B, 2, C);
  kernels.hue_u8(4, 4, A, 256, B);
  kernels.layer_norm_f32(3, 8, A, 7, 1e-6, B, B, C, 8, D);
  kernels.gelu_f32(-1, A, B);
});

/** Calls that keep their contracts, with the extent of their axis; results lie in C, D and E. */
const kept: [KernelName, number, number[]][] = [
  ["gelu_grad_f32", 103, [A, B, 1, C]],
  ["softmax_f32", 5, [37, A, 40, 0.1, B, C, 37]],
  ["cross_entropy_f32", 5, [37, A, 37, 0.1, B, 37, 2, 0, 0.5, C, D, E]],
  ["layer_norm_f32", 5, [37, A, 40, 1e-6, B, B, C, 37, D]],
  ["gemm_batch_f32", 2, [6, 11, 70, 0.5, A, 420, 70, 1, B, 770, 11, 1, 1, C, 66, 11, SCRATCH]],
  ["gemm_f32", 6, [11, 70, 0.5, A, 70, 1, B, 0, 1, C, 11, SCRATCH]],
  ["attention_f32", 4, [2, 9, 10, 9, 0.3, A, 0, 0, 0, 0, 0, 0, C, D, SCRATCH]],
  ["sinkhorn_rows_f32", 4, [1500, A, B, C]],
  ["squared_norm_blocks_f32", 2, [5000, A, C]],
  ["truncated_normal_f32", 50, [1, 2, 3, 4, 0, 1, -2, 2, C]],
  ["adamw_f32", 39, [C, A, D, E + 4096, 0.01, 0.1, 0.1, 0.001, 1e-8, 1, 1, E + 8192, 0.01]],
  ["copy_f32", 3, [2, 5, 6, A, 60, 30, 1, 5, 1, C, 60, 30, 6, 1]],
  ["nearest_rows_f32", 5, [9, 8, A, 8, B, 8, 3, 0, C, D, SCRATCH]],
  ["blur_u8", 9, [10, 3, A, B, 2, C, SCRATCH]],
];

test("a call that keeps its contract gives the bits of the release build", () => {
  const builds = [kernelsOn(), kernelsOn(checked)];
  for (const [name, extent, args] of kept) {
    const [release, asserted] = builds.map(({ heap, raw }) => {
      heap.f32.fill(0.25, C >> 2);
      raw[name](extent, ...args, 0, extent);
      return Buffer.from(heap.u8.slice(C));
    });
    assert.ok(release.equals(asserted), name);
    assert.not.ok(
      release.equals(Buffer.from(new Float32Array(release.length >> 2).fill(0.25).buffer)),
      `${name} wrote nothing`,
    );
  }
});
