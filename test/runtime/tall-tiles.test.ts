import * as assert from "uvu/assert";
import { WasmHeap } from "../../src/runtime/memory.js";
import { chooseTiles, useTallTiles } from "../../src/runtime/tall-tiles.js";
import { test } from "../support/test.js";

const FLAG = 512 >> 2;
const SCRATCH = 65536;

/** Whether this engine is taken for one with registers for six rows where a trial does not tell. */
const known = Number.parseFloat(process.versions.v8) >= 13.6;

interface Speeds {
  lowMs: number;
  tallMs: number;
  /** Calls until the engine has compiled each tile well; until then one takes four times as long. */
  lowAfter?: number;
  tallAfter?: number;
}

/** What is chosen where a product takes a while on a clock of its own, other for tall tiles than for low ones. */
function choose({ lowMs, tallMs, lowAfter = 10, tallAfter = 10 }: Speeds): boolean {
  const heap = new WasmHeap({ initialBytes: 8 << 20 });
  const tiles = [
    { ms: lowMs, after: lowAfter, calls: 0 },
    { ms: tallMs, after: tallAfter, calls: 0 },
  ];
  let now = 0;
  const product = () => {
    const tile = tiles[heap.i32[FLAG]];
    now += (tile.calls++ < tile.after ? 4 : 1) * tile.ms;
  };
  const tall = chooseTiles(heap, product, SCRATCH, () => now);
  assert.is(heap.i32[FLAG], Number(tall));
  assert.ok(now <= 60);
  return tall;
}

test("the faster tile is used", () => {
  assert.is(choose({ lowMs: 0.05, tallMs: 0.04 }), true);
  assert.is(choose({ lowMs: 0.05, tallMs: 0.08 }), false);
});

test("an engine that compiles one tile later than the other is waited for", () => {
  assert.is(choose({ lowMs: 0.02, tallMs: 0.03, lowAfter: 100 }), false);
  assert.is(choose({ lowMs: 0.03, tallMs: 0.02, tallAfter: 100 }), true);
});

test("where a tile is not compiled well in time, the version of the engine decides", () => {
  assert.is(choose({ lowMs: 0.05, tallMs: 0.04, lowAfter: 1e9 }), known);
  assert.is(choose({ lowMs: 0.05, tallMs: 0.08, tallAfter: 1e9 }), known);
});

test("a gain that no register tile can have is not believed", () => {
  assert.is(choose({ lowMs: 0.1, tallMs: 0.03 }), known);
});

test("the choice is a word that memory keeps for the kernels", () => {
  const heap = new WasmHeap({ initialBytes: 1 << 20 });
  useTallTiles(heap, true);
  assert.equal([...heap.i32.subarray(FLAG - 1, FLAG + 2)], [0, 1, 0]);
});
