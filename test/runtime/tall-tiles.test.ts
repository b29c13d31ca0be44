import * as assert from "uvu/assert";
import { WasmHeap } from "../../src/runtime/memory.js";
import { chooseTiles, useTallTiles } from "../../src/runtime/tall-tiles.js";
import { test } from "../support/test.js";

const FLAG = 512 >> 2;
const SCRATCH = 65536;

/** A product that takes a while, other for tall tiles than for low ones. */
function pretend(heap: WasmHeap, { lowMs, tallMs }: { lowMs: number; tallMs: number }): () => void {
  return () => {
    const until = performance.now() + (heap.i32[FLAG] ? tallMs : lowMs);
    while (performance.now() < until);
  };
}

test("the faster tile is used", () => {
  const heap = new WasmHeap({ initialBytes: 8 << 20 });
  assert.is(chooseTiles(heap, pretend(heap, { lowMs: 0.1, tallMs: 0.09 }), SCRATCH), true);
  assert.is(heap.i32[FLAG], 1);
  assert.is(chooseTiles(heap, pretend(heap, { lowMs: 0.1, tallMs: 0.2 }), SCRATCH), false);
  assert.is(heap.i32[FLAG], 0);
});

test("a gain that no register tile can have is not believed", () => {
  const heap = new WasmHeap({ initialBytes: 8 << 20 });
  assert.is(chooseTiles(heap, pretend(heap, { lowMs: 0.3, tallMs: 0.1 }), SCRATCH), false);
});

test("an engine that compiles one tile later than the other is waited for", () => {
  const heap = new WasmHeap({ initialBytes: 8 << 20 });
  let calls = 0;
  const late = () => pretend(heap, { lowMs: ++calls < 100 ? 0.5 : 0.05, tallMs: 0.1 })();
  assert.is(chooseTiles(heap, late, SCRATCH), false);
  assert.ok(calls > 100);
});

test("the choice is a word that memory keeps for the kernels", () => {
  const heap = new WasmHeap({ initialBytes: 1 << 20 });
  useTallTiles(heap, true);
  assert.equal([...heap.i32.subarray(FLAG - 1, FLAG + 2)], [0, 1, 0]);
});
