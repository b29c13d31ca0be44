import * as assert from "uvu/assert";
import { WasmHeap } from "../../src/runtime/memory.js";
import { useTallTiles } from "../../src/runtime/tall-tiles.js";
import { kernelsOn, seeded } from "../support/kernels.js";
import { test } from "../support/test.js";

const SCRATCH = 1 << 20;
const mib = (n: number) => SCRATCH + ((4 + n) << 20);

/** Memory with the same numbers everywhere behind the scratch, and kernels on it. */
function prepare(tall: boolean) {
  const heap = new WasmHeap({ initialBytes: mib(12) });
  const raw = kernelsOn(heap);
  useTallTiles(heap, tall);
  const next = seeded(3);
  const numbers = heap.f32.subarray(mib(0) >> 2);
  for (let i = 0; i < numbers.length; i++) numbers[i] = next() - 0.5;
  return { raw, numbers };
}

/** What a call leaves in memory, with tiles of six rows and with tiles of four. */
function expectSameBits(call: (raw: ReturnType<typeof kernelsOn>) => void): void {
  const [tall, low] = [true, false].map((choice) => {
    const { raw, numbers } = prepare(choice);
    call(raw);
    return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  });
  assert.is(Buffer.compare(tall, low), 0);
}

for (const [m, n, k] of [
  [145, 24, 70],
  [29, 32, 384],
  [17, 13, 9],
]) {
  const size = `${m} × ${n} × ${k}`;
  test(`${size}: a product has the same bits with tiles of six rows and of four, with rows of A in a line or not`, () => {
    for (const [aRow, aColumn] of [
      [k + 3, 1],
      [1, m],
    ]) {
      expectSameBits((raw) => {
        raw.gemm_f32(m, n, k, 1, mib(0), aRow, aColumn, mib(2), mib(3), 0, mib(4), n, SCRATCH, 0, m);
        raw.gemm_f32(m, n, k, 1, mib(0), aRow, aColumn, mib(2), 0, 1, mib(5), n, SCRATCH, 5, m - 1);
      });
    }
  });
}

for (const [tokens, dim, queries] of [
  [145, 64, 145],
  [99, 46, 77],
  [300, 13, 300],
]) {
  const size = `${queries} of ${tokens} tokens, dimension ${dim}`;
  test(`${size}: attention and its gradient have the same bits with tiles of six rows and of four`, () => {
    expectSameBits((raw) => {
      const [out, lse, dout, dqkv] = [mib(3), mib(4), mib(5), mib(6)];
      const call = [4, 2, tokens, dim, queries, 0.2, mib(0), 0, 0, 0, 0, 0, 0, out, lse];
      raw.attention_f32(...call, SCRATCH, 0, 4);
      raw.attention_grad_f32(...call, dout, dqkv, SCRATCH, 0, 4);
    });
  });
}
