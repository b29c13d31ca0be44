import { ARGS_AT, MOST_TEXT, TEXT_AT, word } from "./job.js";

/** What a worker is sent when it starts. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  /** Kernels in the order of the module. */
  readonly kernels: readonly { readonly name: string; readonly arity: number; readonly scratch: boolean }[];
  /** Address of this thread's working memory. */
  readonly scratch: number;
  /** How long to look for the next call before sleeping. */
  readonly spinMs: number;
}

/** What a worker answers once: null when it is ready, or why it is not. */
export type WorkerAnswer = string | null;

/**
 * The program of a worker, as a text, so that no file has to be found at run time. It takes parts of calls for as long as
 * there are any, looks out for more for a while, and sleeps. It never returns to its event loop.
 */
export const workerSource = `
const port = globalThis.process?.getBuiltinModule?.("node:worker_threads")?.parentPort ?? globalThis;
port.onmessage = ({ data }) => {
  let serve;
  try {
    serve = prepare(data);
  } catch (error) {
    port.postMessage(String(error));
    return;
  }
  port.postMessage(null);
  serve();
};

function prepare({ module, memory, buffer, kernels, scratch, spinMs }) {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const words = new Int32Array(buffer);
  const numbers = new Float64Array(buffer);
  const text = new Uint16Array(buffer);

  function compute(part) {
    const { name, arity, scratch: needsScratch } = kernels[words[${word.kernel}]];
    const call = [];
    for (let i = 0; i < arity; i++) call.push(numbers[${ARGS_AT} + i]);
    if (needsScratch) call.push(scratch);
    call.push(words[${word.bounds} + part], words[${word.bounds} + 1 + part]);
    try {
      exports[name](...call);
    } catch (error) {
      fail(String(error?.stack ?? error));
    }
    Atomics.add(words, ${word.done}, 1);
    if (Atomics.load(words, ${word.joining}) !== 0) Atomics.notify(words, ${word.done});
  }

  function fail(reason) {
    if (Atomics.compareExchange(words, ${word.failed}, 0, 1) !== 0) return;
    const length = Math.min(reason.length, ${MOST_TEXT});
    for (let i = 0; i < length; i++) text[${TEXT_AT} + i] = reason.charCodeAt(i);
    words[${word.textLength}] = length;
  }

  function spin() {
    const end = performance.now() + spinMs;
    do {
      for (let i = 0; i < 200; i++) if (Atomics.load(words, ${word.left}) > 0) return;
    } while (performance.now() < end);
  }

  function sleep() {
    const call = Atomics.load(words, ${word.call});
    Atomics.add(words, ${word.asleep}, 1);
    if (Atomics.load(words, ${word.left}) <= 0) Atomics.wait(words, ${word.call}, call);
    Atomics.sub(words, ${word.asleep}, 1);
  }

  return () => {
    for (;;) {
      for (let left; (left = Atomics.sub(words, ${word.left}, 1)) > 0; ) compute(left - 1);
      spin();
      if (Atomics.load(words, ${word.left}) <= 0) sleep();
    }
  };
}
`;
