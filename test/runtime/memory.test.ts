import * as assert from "uvu/assert";
import { MemoryError } from "../../src/errors.js";
import { ADDRESS_SPACE_BYTES, WasmHeap } from "../../src/runtime/memory.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const PAGE = 65536;
const MIB = 2 ** 20;

test("growth keeps what is written and renews the views", () => {
  const heap = new WasmHeap({ initialBytes: PAGE });
  heap.f32[3] = 1.5;
  const before = heap.f32;
  heap.grow(PAGE + 1);
  assert.is(heap.sizeBytes, 2 * PAGE);
  assert.is(heap.f32[3], 1.5);
  assert.is.not(heap.f32, before);
  assert.is(before.length, 0, "a view from before must not be used");
  assert.is(heap.f32.length, (2 * PAGE) / 4);
  assert.is(heap.u8.buffer, heap.i32.buffer);
});

test("a size that is there already changes nothing", () => {
  const heap = new WasmHeap({ initialBytes: 2 * PAGE });
  const { f32 } = heap;
  heap.grow(2 * PAGE);
  assert.is(heap.f32, f32);
});

test("sizes are whole pages, the limit is rounded down", () => {
  assert.is(new WasmHeap({ initialBytes: 1 }).sizeBytes, PAGE);
  const heap = new WasmHeap({ initialBytes: PAGE, limitBytes: 3 * PAGE - 1 });
  heap.grow(2 * PAGE);
  refuses(() => heap.grow(2 * PAGE + 1), MemoryError, "are allowed");
  assert.is(new WasmHeap({ initialBytes: PAGE, limitBytes: 2 * ADDRESS_SPACE_BYTES }).limitBytes, ADDRESS_SPACE_BYTES);
});

test("beyond the limit the error tells what is needed, allowed and held, and the way out", () => {
  const heap = new WasmHeap({ initialBytes: 2 * MIB, limitBytes: 8 * MIB });
  heap.grow(3 * MIB);
  refuses(
    () => heap.grow(70 * MIB),
    MemoryError,
    "memory: 70 MiB are needed, 8 MiB are allowed and 3 MiB are held. Lower",
  );
  refuses(() => heap.grow(70 * MIB), MemoryError, "or raise the memory limit of init().");
  assert.is(heap.sizeBytes, 3 * MIB);
});

test("memory grows to the last page below 4 GiB, where the error tells that there is no more", () => {
  const heap = new WasmHeap();
  heap.grow(ADDRESS_SPACE_BYTES);
  heap.u8[ADDRESS_SPACE_BYTES - 1] = 7;
  assert.equal([heap.sizeBytes, heap.u8[ADDRESS_SPACE_BYTES - 1]], [ADDRESS_SPACE_BYTES, 7]);
  refuses(() => heap.grow(ADDRESS_SPACE_BYTES + 1), MemoryError, "4096 MiB are allowed and 4096 MiB are held. Lower");
  refuses(() => heap.grow(ADDRESS_SPACE_BYTES + 1), MemoryError, "since WebAssembly addresses no more.");
});

test("where the host gives no more, the error does not blame the limit", () => {
  const heap = new WasmHeap({ initialBytes: PAGE });
  heap.memory.grow = () => {
    throw new RangeError("out of memory");
  };
  refuses(() => heap.grow(2 * PAGE), MemoryError, "the host gives no more");
});

test("bytes move between overlapping ranges", () => {
  const heap = new WasmHeap({ initialBytes: PAGE });
  heap.u8.set([1, 2, 3, 4, 5], 10);
  heap.copy(12, 10, 5);
  assert.equal([...heap.u8.slice(10, 17)], [1, 2, 1, 2, 3, 4, 5]);
  heap.copy(10, 12, 5);
  assert.equal([...heap.u8.slice(10, 15)], [1, 2, 3, 4, 5]);
});
