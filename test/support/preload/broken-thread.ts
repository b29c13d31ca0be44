// Threads of kernels that break in the middle of a call: POA_TEST_BREAKS is the statement that they run then.
import { createRequire } from "node:module";
import type { WorkerOptions } from "node:worker_threads";

/** Calls that a thread does well before. */
const GOOD_CALLS = 200;
const CALL = "exports[name](...call);";

const threads = createRequire(import.meta.url)("node:worker_threads") as {
  Worker: new (source: string, options: WorkerOptions) => object;
};
const { Worker } = threads;

threads.Worker = class extends Worker {
  constructor(source: string, options: WorkerOptions) {
    if (!source.includes(CALL)) throw new Error("the program of a thread calls no kernel");
    const breaks = `if ((globalThis.calls = (globalThis.calls ?? 0) + 1) > ${GOOD_CALLS}) { ${process.env.POA_TEST_BREAKS} }`;
    super(source.replace(CALL, `${breaks} ${CALL}`), { ...options, resourceLimits: { maxOldGenerationSizeMb: 16 } });
  }
};
