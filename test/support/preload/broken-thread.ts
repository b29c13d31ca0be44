// Threads of kernels that break in a call once the folder POA_TEST_BREAKS_AFTER is there: POA_TEST_BREAKS is the statement that
// they run then. A number of calls would not do, for a run first times the host, with as many calls as it is fast.
import { createRequire } from "node:module";
import type { WorkerOptions } from "node:worker_threads";

const CALL = "exports[name](...call);";

const threads = createRequire(import.meta.url)("node:worker_threads") as {
  Worker: new (source: string, options: WorkerOptions) => object;
};
const { Worker } = threads;

threads.Worker = class extends Worker {
  constructor(source: string, options: WorkerOptions) {
    if (!source.includes(CALL)) throw new Error("the program of a thread calls no kernel");
    const { POA_TEST_BREAKS: breaks, POA_TEST_BREAKS_AFTER: folder } = process.env;
    const call = `if (require("node:fs").existsSync(${JSON.stringify(folder)})) { ${breaks} } ${CALL}`;
    super(source.replace(CALL, call), { ...options, resourceLimits: { maxOldGenerationSizeMb: 16 } });
  }
};
