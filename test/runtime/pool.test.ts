import { readFileSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { ResourceError } from "../../src/errors.js";
import { type HostWorker, startWorker } from "../../src/runtime/host-worker.js";
import { word } from "../../src/runtime/job.js";
import { type KernelName, type RawKernel, signatures } from "../../src/runtime/kernels.js";
import { Pool } from "../../src/runtime/pool.js";
import { checkedModulePath } from "../support/checked-module.js";
import { type ForcedThreads, forcedThreads } from "../support/forced-threads.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const AT = 8 << 20;
const MANY = 1 << 16;

const words = ({ pool }: ForcedThreads) => new Int32Array(pool.args.buffer);
const napMs = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

function waitFor(condition: () => boolean): void {
  for (const end = performance.now() + 10_000; !condition(); napMs(1))
    if (performance.now() > end) throw new Error("waited in vain");
}

/** The thread of Node behind a worker. */
const threadOf = (worker: HostWorker) => (worker as unknown as { worker: Worker }).worker;

/** Two threads of which the calling one does `mine` where it should compute `kernel`. */
async function pairWhere(
  kernel: KernelName,
  mine: (pair: ForcedThreads, worker: HostWorker) => void,
  wasm?: Uint8Array,
) {
  const workers: HostWorker[] = [];
  const start = (source: string) => {
    workers.push(startWorker(source));
    return workers[0];
  };
  const own = (): Partial<Record<KernelName, RawKernel>> => ({ [kernel]: () => mine(pair, workers[0]) });
  const pair: ForcedThreads = await forcedThreads(2, { start, own, ...(wasm && { wasm }) });
  return { ...pair, worker: workers[0] };
}

test("parts cover the whole extent once, for extents around every multiple", async () => {
  for (const threads of [2, 3]) {
    const { heap, kernels, pool } = await forcedThreads(threads);
    for (const n of [1, 2, 15, 16, 17, 31, 100, 127, 128, 129, 1000, MANY + 1]) {
      heap.f32.fill(0, AT / 4 - 1, AT / 4 + n + 1);
      kernels.scale_f32(n, 1, AT, 1, AT); // doubles nothing yet: all zero
      kernels.fill_f32(n, 3, AT);
      kernels.scale_f32(n, 2, AT, 1, AT); // 3 + 2·3; a part that is computed twice would give more
      const seen = heap.f32.slice(AT / 4 - 1, AT / 4 + n + 1);
      assert.equal([...new Set(seen.slice(1, n + 1))], [9], `${n} numbers`);
      assert.equal([seen[0], seen[n + 1]], [0, 0], "nothing is written beside them");
    }
    pool.dispose();
  }
});

test("the others take parts, and each has working memory of its own", async () => {
  let own = 0;
  const pair = await pairWhere("fill_f32", (running) => {
    own++;
    waitFor(() => Atomics.load(words(running), word.left) <= 0);
  });
  pair.kernels.fill_f32(MANY, 5, AT);
  assert.is(own, 1, "the calling thread waits in its first part");
  const filled = pair.heap.f32.slice(AT / 4, AT / 4 + MANY).filter((x) => x === 5).length;
  assert.is(filled, (MANY * 7) / 8, "the other has computed the seven others");
  pair.pool.dispose();
});

test("memory that has grown is there for all threads at once", async () => {
  const { heap, kernels, pool } = await forcedThreads(3);
  for (let round = 0; round < 20; round++) {
    const at = heap.sizeBytes;
    heap.grow(at + 4 * MANY);
    kernels.fill_f32(MANY, round, at);
    assert.ok(heap.f32.slice(at / 4, at / 4 + MANY).every((x) => x === round));
  }
  pool.dispose();
});

test("a trap on another thread is thrown by the call, with the kernel's name, and the threads live on", async () => {
  const pair = await pairWhere("fill_f32", (running) => waitFor(() => Atomics.load(words(running), word.failed) !== 0));
  const { heap, kernels, pool } = pair;
  for (let round = 0; round < 2; round++)
    refuses(
      () => kernels.fill_f32(MANY, 1, heap.sizeBytes),
      WebAssembly.RuntimeError,
      "fill_f32: a thread stopped at RuntimeError: memory access out of bounds",
    );
  kernels.scale_f32(MANY, 1, AT, 0, AT);
  pool.dispose();
});

test("a contract that breaks on another thread is named where kernels assert theirs", async () => {
  const failed = (running: ForcedThreads) => waitFor(() => Atomics.load(words(running), word.failed) !== 0);
  const { kernels, pool } = await pairWhere("scale_f32", failed, readFileSync(checkedModulePath));
  const call = () => kernels.scale_f32(MANY, 1, AT, 0.5, AT);
  refuses(call, WebAssembly.RuntimeError, "scale_f32: a thread stopped at RuntimeError: unreachable");
  refuses(call, WebAssembly.RuntimeError, "expect_beta");
  pool.dispose();
});

test("a trap on the calling thread is thrown once the others are done", async () => {
  const { heap, kernels, pool } = await forcedThreads(2);
  refuses(() => kernels.fill_f32(MANY, 1, heap.sizeBytes), WebAssembly.RuntimeError, "memory access out of bounds");
  const job = new Int32Array(pool.args.buffer);
  assert.equal([job[word.done], job[word.left] <= 0, job[word.failed]], [8, true, 0]);
  kernels.fill_f32(MANY, 1, AT);
  assert.ok(heap.f32.slice(AT / 4, AT / 4 + MANY).every((x) => x === 1));
  pool.dispose();
});

test("a thread that ends within a call ends it with an error", async () => {
  let held = false;
  const pair = await pairWhere("add_row_f32", (running, worker) => {
    if (held) return;
    held = true;
    waitFor(() => Atomics.load(words(running), word.left) <= 6 && Atomics.load(words(running), word.done) === 0);
    napMs(20);
    void threadOf(worker).terminate();
  });
  const start = performance.now();
  // One row over and over: a part takes the other thread far longer than it lives.
  const call = () => pair.kernels.add_row_f32(1 << 30, 4096, AT, 0, AT, AT, 0);
  refuses(call, ResourceError, "add_row_f32: a thread of the runtime is lost (it ended within a call)");
  assert.ok(performance.now() - start < 5000, "found out soon");
  refuses(() => pair.kernels.fill_f32(4, 1, AT), ResourceError, "fill_f32: a thread of the runtime is lost");
});

test("a thread that ends between calls is an error of the next call", async () => {
  const pair = await pairWhere("gemm_f32", () => {});
  await threadOf(pair.worker).terminate();
  refuses(() => pair.kernels.fill_f32(4, 1, AT), ResourceError, "call init() again");
});

test("a thread that ends between calls unnoticed leaves its share to the calling one", async () => {
  const pair = await pairWhere("gemm_f32", () => {});
  void threadOf(pair.worker).terminate();
  for (let i = 0; i < 50; i++) {
    try {
      pair.kernels.fill_f32(MANY, i, AT);
    } catch (error) {
      assert.instance(error, ResourceError); // it had taken a part when it ended
      return;
    }
    assert.ok(pair.heap.f32.slice(AT / 4, AT / 4 + MANY).every((x) => x === i));
  }
  pair.pool.dispose();
});

test("where the others never come, calls stay whole for a while, and for longer each time, up to a limit", async () => {
  const absent: HostWorker = {
    ...{ answer: Promise.resolve(null), onEnd: null, onMessage: null, alive: true },
    ...{ post() {}, release() {}, hold() {}, terminate() {} },
  };
  const { pool } = await forcedThreads(2, { start: () => absent });
  const fill = (Object.keys(signatures) as KernelName[]).indexOf("fill_f32");
  pool.args.set([MANY, 1, AT]);
  const lengths: number[] = [];
  for (let rest = 0; rest < 12; rest++) {
    for (let call = 0; call < 4; call++) {
      assert.is(pool.rests(100), false, "a few calls are divided in between");
      pool.divide(fill, 100);
    }
    assert.is(pool.rests(20_000), false, "a long call is divided all the same");
    let whole = 0;
    while (pool.rests(100)) whole++;
    lengths.push(whole);
  }
  assert.equal(lengths, [2, 4, 8, 16, 32, 64, 128, 200, 200, 200, 200, 200]);
});

test("workers that do not start are told of, with the reason, and none is left behind", async () => {
  const cases: [string, (source: string) => HostWorker][] = [
    ["SyntaxError", () => startWorker("not a program")],
    ["it ended with code 7", () => startWorker("process.exit(7)")],
    [
      "no permission",
      () => {
        throw new Error("no permission");
      },
    ],
    ["cannot prepare", () => startWorker('require("node:worker_threads").parentPort.postMessage("cannot prepare")')],
  ];
  for (const [reason, start] of cases) {
    const failure = await forcedThreads(3, { start }).then(
      () => null,
      (error: Error) => error,
    );
    assert.instance(failure, ResourceError);
    const { message } = failure as Error;
    assert.ok(message.startsWith("threads: the host starts no workers (") && message.includes(reason), message);
  }
});

test("a pool that has been disposed computes nothing", async () => {
  const { kernels, pool } = await forcedThreads(2);
  assert.instance(pool, Pool);
  pool.dispose();
  refuses(() => kernels.fill_f32(4, 1, AT), ResourceError, "it was disposed");
});
