import { availableParallelism } from "node:os";
import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, MemoryError, ReleasedError } from "../../src/errors.js";
import { dispose, init, memory, runtime } from "../../src/runtime/context.js";
import { detectFeatures } from "../../src/runtime/features.js";
import { inlinedModule } from "../../src/runtime/kernels.js";
import { ADDRESS_SPACE_BYTES } from "../../src/runtime/memory.js";
import { empty, fromArray, full, persistent } from "../../src/tensor/create.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const MIB = 2 ** 20;

async function refusesInit(options: Parameters<typeof init>[0], text: string): Promise<void> {
  let thrown: unknown = null;
  await init(options).catch((error: unknown) => {
    thrown = error;
  });
  assert.ok(thrown instanceof ConfigError, `expected a ConfigError, got ${thrown}`);
  assert.ok(thrown.message.includes(text), `expected "${text}" in "${thrown.message}"`);
}

test("before init everything says to call it", () => {
  dispose();
  refuses(() => runtime(), ConfigError, "Call `await init()` first");
  refuses(() => empty([2]), ConfigError, "Call `await init()` first");
  refuses(() => memory(), ConfigError, "Call `await init()` first");
});

test("a memory limit is bytes or a text with a unit", async () => {
  const limitOf = async (limit: number | string) => (await init({ memory: limit })).memoryLimitBytes;
  assert.is(await limitOf("64MiB"), 64 * MIB);
  assert.is(await limitOf("1.5 GiB"), 1.5 * 1024 * MIB);
  assert.is(await limitOf("65536KiB"), 64 * MIB);
  assert.is(await limitOf(48 * MIB), 48 * MIB);
  assert.is(await limitOf("16GiB"), ADDRESS_SPACE_BYTES);
  assert.is((await init()).memoryLimitBytes, ADDRESS_SPACE_BYTES);
});

test("a memory limit that is not understood or too small is refused", async () => {
  await refusesInit({ memory: "64MB" }, 'init: memory is "64MB"; expected bytes or a text like "512MiB"');
  await refusesInit({ memory: -1 }, "init: memory is -1; expected");
  await refusesInit({ memory: Number.NaN }, "init: memory is NaN; expected");
  await refusesInit({ memory: "1MiB", threads: 1 }, 'init: memory is "1MiB"; the kernels alone take 5 MiB');
  await refusesInit({ memory: "0GiB" }, "the kernels alone take");
  refuses(() => runtime(), ConfigError, "not running");
});

test("a number of threads must be a whole number or all", async () => {
  await refusesInit({ threads: 0 }, "init: threads is 0; expected a whole number from 1 on");
  await refusesInit({ threads: 1.5 }, "init: threads is 1.5");
  await refusesInit({ threads: 2, memory: "8MiB" }, "the kernels alone take 9 MiB. Allow more, or use fewer threads.");
});

test("the runtime tells how many threads compute, and ends them with its end", async () => {
  assert.is((await init({ threads: "all" })).threads, availableParallelism());
  const { threads, threadsProblem } = await init({ threads: 3 });
  assert.equal([threads, threadsProblem], [3, null]);
  const x = full([1 << 20], 2);
  assert.ok(x.toArray().every((value) => value === 2));
  dispose();
  assert.is((await init({ threads: 1 })).threads, 1);
});

test("a host that shares no memory computes on one thread and says why", async () => {
  const kept = globalThis.SharedArrayBuffer;
  try {
    (globalThis as { SharedArrayBuffer?: unknown }).SharedArrayBuffer = undefined;
    const { threads, threadsProblem } = await init({ threads: 4 });
    assert.is(threads, 1);
    assert.match(String(threadsProblem), /shares no memory/);
    assert.is(full([1 << 20], 2).toArray()[99999], 2);
  } finally {
    globalThis.SharedArrayBuffer = kept;
  }
});

test("a host that starts no workers computes on one thread and says why", async () => {
  const kept = process.getBuiltinModule;
  try {
    process.getBuiltinModule = (() => undefined) as never;
    const { threads, threadsProblem } = await init({ threads: 2 });
    assert.is(threads, 1);
    assert.match(String(threadsProblem), /has no workers/);
  } finally {
    process.getBuiltinModule = kept;
  }
});

test("an init that another overtakes gives way", async () => {
  const overtaken = init({ threads: 2 }).then(
    () => null,
    (error: Error) => error,
  );
  const { heap } = await init({ threads: 2 });
  assert.instance(await overtaken, ConfigError);
  assert.is(runtime().heap, heap);
});

test("many runtimes in a row leave nothing behind that the next would miss", async () => {
  for (let i = 0; i < 40; i++) {
    await init({ threads: 2 });
    assert.is(full([1 << 17], i).toArray()[70000], i);
  }
});

test("bytes or a compiled module can stand in for the inlined kernels", async () => {
  const bytes = inlinedModule();
  for (const wasm of [bytes, new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>)]) {
    await init({ wasm });
    assert.equal([...full([3], 2).toArray()], [2, 2, 2]);
  }
  assert.is((await init({ wasm: bytes, threads: 2 })).threads, 2);
  const { threads, threadsProblem } = await init({
    wasm: new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>),
    threads: 2,
  });
  assert.is(threads, 1);
  assert.match(String(threadsProblem), /compiled already/);
});

test("a module that is none, or lacks kernels, is refused", async () => {
  await refusesInit({ wasm: Uint8Array.of(1, 2, 3) }, "init: the wasm module cannot be used");
  const empty = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  await refusesInit({ wasm: empty }, " more. Build it from this version's sources.");
});

test("requests beyond the limit fail with the sizes, and leave the runtime usable", async () => {
  await init({ memory: "16MiB" });
  refuses(() => persistent([16 * MIB]), MemoryError, "16 MiB are allowed");
  assert.equal([...fromArray([1, 2], [2]).toArray()], [1, 2]);
});

test("the counters tell persistent, step and peak bytes", async () => {
  await init();
  assert.is(memory().persistentBytes, 0);
  const kept = persistent([100]);
  step(() => {
    empty([32]);
    assert.is(memory().stepBytes, 128);
  });
  const { persistentBytes, stepBytes, peakStepBytes, heapBytes } = memory();
  assert.equal([persistentBytes, stepBytes, peakStepBytes], [448, 0, 128]);
  assert.ok(heapBytes >= 12 * MIB);
  kept.dispose();
  assert.is(memory().persistentBytes, 0);
});

test("tensors of a runtime that has been replaced throw, and do not free memory of the next", async () => {
  await init();
  const old = fromArray([1, 2, 3], [3]);
  await init();
  const { persistentBytes } = memory();
  refuses(() => old.toArray(), ReleasedError, "belongs to a runtime that has been disposed, or replaced by init()");
  old.dispose();
  assert.is(memory().persistentBytes, persistentBytes);
});

test("dispose inside a step ends its tensors too", async () => {
  await init();
  const cutShort = () =>
    step(() => {
      const x = empty([2]);
      dispose();
      refuses(() => x.toArray(), ReleasedError, "belongs to step 1, which has ended");
    });
  refuses(cutShort, ConfigError, "not running");
  await init();
  assert.is(
    step(() => full([], 3).item()),
    3,
  );
});

test("the relaxed build runs where the host has it; elsewhere the error names host and way out", async () => {
  if (detectFeatures().relaxed) {
    assert.is((await init({ simd: "relaxed" })).simd, "relaxed");
    assert.equal([...full([3], 0.5).toArray()], [0.5, 0.5, 0.5]);
  } else {
    await refusesInit({ simd: "relaxed" }, `Node ${process.versions.node} has no relaxed SIMD. Use Node 22 or newer`);
  }
  assert.is((await init()).simd, "plain");
});

test("a build that does not exist is refused", async () => {
  await refusesInit({ simd: "fast" as "plain" }, 'init: simd is "fast"; expected "plain" or "relaxed"');
});
