import { resolveObjectURL } from "node:buffer";
import { availableParallelism } from "node:os";
import { Worker as NodeThread } from "node:worker_threads";
import * as assert from "uvu/assert";
import { dispose, init } from "../../src/runtime/context.js";
import { coreCount, environment, maySleep, startWorker, workerProblem } from "../../src/runtime/host-worker.js";
import { full } from "../../src/tensor/create.js";
import { test } from "../support/test.js";
import { withVariable } from "../support/with-variable.js";

/** A web's Worker, as far as it is used here, on a thread of Node. */
class WebLikeWorker {
  static ended = 0;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  private readonly thread: Promise<NodeThread>;

  constructor(url: string) {
    const blob = resolveObjectURL(url);
    assert.ok(blob, "a program is given as a blob");
    this.thread = blob.text().then((source) => {
      const thread = new NodeThread(source, { eval: true });
      thread.on("message", (data) => this.onmessage?.({ data }));
      thread.on("error", ({ message }) => this.onerror?.({ message }));
      thread.unref();
      return thread;
    });
  }

  postMessage(message: unknown): void {
    void this.thread.then((thread) => thread.postMessage(message));
  }

  terminate(): void {
    WebLikeWorker.ended++;
    void this.thread.then((thread) => thread.terminate());
  }
}

/** Runs fn on a host that has the workers of a browser and no modules of Node. */
async function likeBrowser(fn: () => Promise<void>): Promise<void> {
  const { getBuiltinModule } = process;
  const host = globalThis as { Worker?: unknown };
  try {
    process.getBuiltinModule = undefined as never;
    host.Worker = WebLikeWorker;
    await fn();
  } finally {
    process.getBuiltinModule = getBuiltinModule;
    delete host.Worker;
  }
}

test("Node tells its cores, its environment, and that its main thread may sleep", () => {
  assert.is(coreCount(), availableParallelism());
  withVariable("POA_TEST_VARIABLE", "x", () => assert.is(environment("POA_TEST_VARIABLE"), "x"));
  assert.is(environment("POA_TEST_VARIABLE"), undefined);
  assert.is(maySleep(), true);
  assert.is(workerProblem(), null);
});

test("the same program runs in the workers of a browser", () =>
  likeBrowser(async () => {
    const { threads, threadsProblem } = await init({ threads: 3 });
    assert.equal([threads, threadsProblem], [3, null]);
    for (let i = 0; i < 50; i++)
      assert.ok(
        full([1 << 19], i)
          .toArray()
          .every((x) => x === i),
      );
    const before = WebLikeWorker.ended;
    dispose();
    assert.is(WebLikeWorker.ended - before, 2);
  }));

/** Answers, and then repeats what it is sent. */
const echo = `
const port = globalThis.process?.getBuiltinModule?.("node:worker_threads")?.parentPort ?? globalThis;
port.onmessage = ({ data }) => port.postMessage(data);
`;

/** What a worker says after its answer. */
async function repeated(): Promise<readonly unknown[]> {
  const worker = startWorker(echo);
  const heard: unknown[] = [];
  worker.post("ready");
  assert.is(await worker.answer, "ready");
  await new Promise<void>((resolve) => {
    worker.onMessage = (message) => {
      heard.push(message);
      if (heard.length === 3) resolve();
    };
    worker.release();
    worker.hold();
    for (const message of [1, 2, 3]) worker.post(message);
  });
  worker.terminate();
  return heard;
}

test("messages after the answer arrive one by one", async () => {
  assert.equal(await repeated(), [1, 2, 3]);
  await likeBrowser(async () => assert.equal(await repeated(), [1, 2, 3]));
});

test("a browser's worker that cannot be loaded says why", () =>
  likeBrowser(async () => {
    const reason = await startWorker("not a program").answer.then(
      () => null,
      (error: Error) => error.message,
    );
    assert.match(String(reason), /Unexpected identifier/);
  }));

test("a thread of Node is seen to have ended while the event loop waits", async () => {
  const worker = startWorker('require("node:worker_threads").parentPort.on("message", () => process.exit())');
  worker.post(null); // starts the loop, and ends it
  await new Promise((resolve) => (worker.onEnd = () => resolve(null)));
  const serving = startWorker(
    'const { parentPort } = require("node:worker_threads"); parentPort.on("message", () => parentPort.postMessage(1))',
  );
  serving.post(null);
  await serving.answer;
  serving.release();
  assert.is(serving.alive, true);
  serving.terminate();
  for (const end = performance.now() + 5000; serving.alive && performance.now() < end; );
  assert.is(serving.alive, false);
});
