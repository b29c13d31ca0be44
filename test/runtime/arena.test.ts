import fc from "fast-check";
import * as assert from "uvu/assert";
import { MemoryError } from "../../src/errors.js";
import { AddressSpace, PersistentArena, StepArena } from "../../src/runtime/arena.js";
import type { Heap } from "../../src/runtime/heap.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const FIRST = 4096;
const MIB = 2 ** 20;
const SEGMENT = 4 * MIB;

/** A heap that only counts. */
class CountingHeap implements Heap {
  readonly f32 = new Float32Array(0);
  readonly i32 = new Int32Array(0);
  readonly u8 = new Uint8Array(0);
  readonly limitBytes: number;
  sizeBytes = 0;

  constructor(limitBytes = Number.POSITIVE_INFINITY) {
    this.limitBytes = limitBytes;
  }

  copy(): void {}

  grow(sizeBytes: number): void {
    if (sizeBytes > this.limitBytes) throw new MemoryError("the heap is full");
    this.sizeBytes = Math.max(this.sizeBytes, sizeBytes);
  }
}

const persistentOn = (heap: Heap) => new PersistentArena(new AddressSpace(heap, FIRST));
const stepOn = (heap: Heap) => new StepArena(new AddressSpace(heap, FIRST));

test("persistent memory: a request goes to the smallest gap that holds it", () => {
  const arena = persistentOn(new CountingHeap());
  const sizes = [1024, 64, 128, 64, 256, 64];
  const [large, , small, , middle] = sizes.map((size) => arena.allocate(size));
  arena.release(large, 1024);
  arena.release(small, 128);
  arena.release(middle, 256);
  assert.is(arena.allocate(192), middle);
  assert.is(arena.allocate(65), small);
  assert.is(arena.allocate(1024), large);
});

test("persistent memory: neighbours merge in whatever order they are freed", () => {
  for (const order of ["abc", "acb", "bac", "bca", "cab", "cba"]) {
    const arena = persistentOn(new CountingHeap());
    const ptr: Record<string, number> = { a: arena.allocate(64), b: arena.allocate(128), c: arena.allocate(192) };
    const fence = arena.allocate(64);
    const size: Record<string, number> = { a: 64, b: 128, c: 192 };
    for (const name of order) arena.release(ptr[name], size[name]);
    assert.is(arena.allocate(384), ptr.a, order);
    assert.ok(fence > ptr.a);
  }
});

test("persistent memory: whatever is allocated and freed, nothing overlaps and all of it comes back", () => {
  const requests = fc.array(fc.record({ size: fc.integer({ min: 0, max: 3 * MIB }), free: fc.nat() }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(requests, (list) => {
      const heap = new CountingHeap();
      const arena = persistentOn(heap);
      const held: { ptr: number; size: number }[] = [];
      for (const { size, free } of list) {
        const ptr = arena.allocate(size);
        assert.is(ptr % 64, 0);
        assert.ok(ptr >= FIRST && ptr + size <= heap.sizeBytes);
        for (const other of held) assert.ok(ptr + size <= other.ptr || other.ptr + other.size <= ptr, "overlap");
        held.push({ ptr, size: Math.max(size, 1) });
        if (free % 3 === 0) {
          const [gone] = held.splice(free % held.length, 1);
          arena.release(gone.ptr, gone.size);
        }
      }
      for (const { ptr, size } of held) arena.release(ptr, size);
      assert.is(arena.usedBytes, 0);
      const grown = heap.sizeBytes;
      if (list.length > 0) assert.is(arena.allocate(grown - FIRST), FIRST); // one gap again
      assert.is(heap.sizeBytes, grown);
    }),
    { numRuns: 60, seed: 1 },
  );
});

test("persistent memory: bytes in use count whole cache lines, also for a size of zero", () => {
  const arena = persistentOn(new CountingHeap());
  const ptr = arena.allocate(1);
  arena.allocate(65);
  arena.allocate(0);
  assert.is(arena.usedBytes, 64 + 128 + 64);
  arena.release(ptr, 1);
  assert.is(arena.usedBytes, 128 + 64);
});

test("memory is taken in segments of 4 MiB, and less where the limit leaves less", () => {
  const heap = new CountingHeap(FIRST + 6 * MIB);
  const arena = persistentOn(heap);
  arena.allocate(64);
  assert.is(heap.sizeBytes, FIRST + SEGMENT);
  arena.allocate(SEGMENT - 64);
  arena.allocate(64);
  assert.is(heap.sizeBytes, FIRST + 6 * MIB);
  refuses(() => arena.allocate(2 * MIB), MemoryError, "the heap is full");
  assert.ok(arena.allocate(2 * MIB - 64), "what a refused request leaves can still be had");
});

test("step memory: closing a frame rewinds to where it began, frames nest like calls", () => {
  const arena = stepOn(new CountingHeap());
  const outer = arena.open("step");
  const first = arena.allocate(100);
  const inner = arena.open("scope");
  const second = arena.allocate(100);
  assert.is(second, first + 128);
  assert.is(arena.usedBytes, 256);
  assert.is(arena.depth, 2);
  assert.is(arena.current, inner);
  arena.close(inner);
  assert.not.ok(inner.alive);
  assert.ok(outer.alive);
  assert.is(arena.allocate(64), second);
  arena.close(outer);
  assert.is(arena.usedBytes, 0);
  assert.is(arena.current, null);
});

test("step memory: frames must close in reverse order", () => {
  const arena = stepOn(new CountingHeap());
  const outer = arena.open("step");
  arena.open("scope");
  refuses(() => arena.close(outer), MemoryError, "reverse order");
});

test("step memory: each kind of frame is numbered on its own", () => {
  const arena = stepOn(new CountingHeap());
  const ids = (["step", "scope", "scope", "step"] as const).map((kind) => {
    const frame = arena.open(kind);
    arena.close(frame);
    return frame.id;
  });
  assert.equal(ids, [1, 1, 2, 2]);
});

test("step memory: the peak outlasts the frame and grows only when it is passed", () => {
  const arena = stepOn(new CountingHeap());
  const take = (sizes: number[]) => {
    const frame = arena.open("step");
    for (const size of sizes) arena.allocate(size);
    arena.close(frame);
    return arena.peakBytes;
  };
  assert.is(take([640, 640]), 1280);
  assert.is(take([64]), 1280);
  assert.is(take([640, 641]), 640 + 704);
  assert.is(take([SEGMENT, 64]), SEGMENT + 64);
  assert.is(arena.usedBytes, 0);
});

test("step memory: what does not fit a segment goes to the next, and all are used again", () => {
  const heap = new CountingHeap();
  const arena = stepOn(heap);
  const run = () => {
    const frame = arena.open("step");
    const pointers = [3 * MIB, 3 * MIB, 64, 5 * MIB].map((size) => arena.allocate(size));
    arena.close(frame);
    return pointers;
  };
  const pointers = run();
  const second = FIRST + SEGMENT;
  assert.equal(pointers, [FIRST, second, second + 3 * MIB, second + SEGMENT]);
  assert.is(heap.sizeBytes, FIRST + 13 * MIB);
  assert.equal(run(), pointers);
  assert.is(heap.sizeBytes, FIRST + 13 * MIB);
});

test("step memory: a frame that began in the first segment rewinds out of the third", () => {
  const arena = stepOn(new CountingHeap());
  const outer = arena.open("step");
  const first = arena.allocate(64);
  const inner = arena.open("scope");
  for (let i = 0; i < 3; i++) arena.allocate(SEGMENT);
  arena.close(inner);
  assert.is(arena.allocate(64), first + 64);
  assert.is(arena.usedBytes, 128);
  arena.close(outer);
});

test("step memory: a new segment has a quarter of what is held, so that a long run has few", () => {
  const heap = new CountingHeap();
  const arena = stepOn(heap);
  arena.open("step");
  arena.allocate(40 * MIB);
  arena.allocate(64);
  assert.is(heap.sizeBytes, FIRST + 50 * MIB);
  arena.allocate(3000 * MIB);
  arena.allocate(64);
  assert.is(heap.sizeBytes, FIRST + 3050 * MIB + 762.5 * MIB);
});

test("step memory: near the limit a segment is as large as can be had, not as wanted", () => {
  const heap = new CountingHeap(FIRST + 13 * MIB);
  const arena = stepOn(heap);
  arena.open("step");
  arena.allocate(4 * MIB);
  arena.allocate(4 * MIB);
  arena.allocate(MIB);
  assert.is(heap.sizeBytes, FIRST + 12 * MIB);
  arena.allocate(3 * MIB);
  arena.allocate(MIB); // four are wanted, one is left
  assert.is(heap.sizeBytes, FIRST + 13 * MIB);
  refuses(() => arena.allocate(64), MemoryError, "the heap is full");
});
