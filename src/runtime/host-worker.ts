import type * as workerThreads from "node:worker_threads";

/** A worker of whatever kind the host has. */
export interface HostWorker {
  post(message: unknown): void;
  /** The first message, or the first sign that there will be none. */
  readonly answer: Promise<unknown>;
  /** Called with every message after the first. */
  onMessage: ((message: unknown) => void) | null;
  /** Called if the worker ends without having been told to. */
  onEnd: ((reason: string) => void) | null;
  /** Whether it still runs; known at once, without the event loop, or always true where the host cannot say. */
  readonly alive: boolean;
  /** Lets the process end although the worker runs. */
  release(): void;
  /** Keeps the process from ending while the worker runs, as it does at first. */
  hold(): void;
  terminate(): void;
}

/** Why this host has no workers, or null. */
export function workerProblem(): string | null {
  if (nodeThreads() || typeof globalThis.Worker === "function") return null;
  return "this host has no workers; Node has them here from 20.16 on";
}

/** Starts a worker on a program text. @throws what the host throws where it refuses */
export function startWorker(source: string): HostWorker {
  const threads = nodeThreads();
  return threads ? new NodeWorker(threads, source) : new WebWorker(source);
}

/** Why this host runs no modules in workers, or null. */
export function moduleWorkerProblem(): string | null {
  return nodeThreads() ? null : "this host has no worker threads as Node has them";
}

/** Starts a worker on a module, where there is no `moduleWorkerProblem`. @param url  of a file */
export function startModuleWorker(url: string): HostWorker {
  return startWorker(`import(${JSON.stringify(url)});`);
}

/** Whether the calling thread may sleep: the main thread of a page may not. */
export function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}

/** Cores that this process may use. */
export function coreCount(): number {
  const os = builtin<{ availableParallelism?: () => number }>("node:os");
  return os?.availableParallelism?.() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}

/** A variable of the environment, where the host has one and lets it be read. */
export function environment(name: string): string | undefined {
  try {
    return globalThis.process?.env?.[name];
  } catch {
    return undefined; // Deno without the permission
  }
}

/** A module of Node, without an import that a browser's bundler would follow. */
export function builtin<T>(name: string): T | undefined {
  const host = globalThis.process as { getBuiltinModule?: (name: string) => unknown } | undefined;
  return host?.getBuiltinModule?.(name) as T | undefined;
}

/** Of Node, and of Deno, whose own workers would keep a process from ending. Bun's own can be let go. */
function nodeThreads(): typeof workerThreads | undefined {
  const bun = globalThis.process?.versions?.bun !== undefined;
  return bun ? undefined : builtin<typeof workerThreads>("node:worker_threads");
}

class NodeWorker implements HostWorker {
  readonly answer: Promise<unknown>;
  onMessage: ((message: unknown) => void) | null = null;
  onEnd: ((reason: string) => void) | null = null;
  private readonly worker: workerThreads.Worker;

  constructor(threads: typeof workerThreads, source: string) {
    // Flags of the process, such as modules to load first, are not for this program.
    this.worker = new threads.Worker(source, { eval: true, execArgv: [], name: "poa" });
    let failure: string | null = null;
    this.answer = new Promise((resolve, reject) => {
      this.worker.once("message", (first) => {
        this.worker.on("message", (message) => this.onMessage?.(message));
        resolve(first);
      });
      this.worker.once("error", (error) => {
        failure = String(error);
      });
      this.worker.once("exit", (code) => {
        const reason = failure ?? `it ended with code ${code}`;
        reject(new Error(reason));
        this.onEnd?.(reason);
      });
    });
    this.answer.catch(() => {}); // it may end unasked for
  }

  post(message: unknown): void {
    this.worker.postMessage(message);
  }

  /**
   * An event would come too late for a caller that waits. Once the beginning of a thread's event loop has been asked for,
   * its idle time reads -1 as soon as the thread has ended.
   */
  get alive(): boolean {
    const { performance } = this.worker as Partial<workerThreads.Worker>; // Deno lacks it
    return !((performance?.eventLoopUtilization().idle ?? 0) < 0);
  }

  release(): void {
    void this.alive; // asks for the beginning
    this.worker.unref();
  }

  hold(): void {
    this.worker.ref();
  }

  terminate(): void {
    this.onEnd = null;
    void this.worker.terminate();
  }
}

class WebWorker implements HostWorker {
  readonly answer: Promise<unknown>;
  onMessage: ((message: unknown) => void) | null = null;
  readonly alive = true;
  onEnd: ((reason: string) => void) | null = null;
  private readonly worker: Worker;

  constructor(source: string) {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    this.worker = new Worker(url, { type: "module", name: "poa" });
    this.answer = new Promise((resolve, reject) => {
      this.worker.onmessage = ({ data: first }) => {
        this.worker.onmessage = ({ data }) => this.onMessage?.(data);
        resolve(first);
      };
      this.worker.onerror = ({ message }) => {
        const reason = message || "it could not be loaded";
        reject(new Error(reason));
        this.onEnd?.(reason);
      };
    });
    const forget = () => URL.revokeObjectURL(url);
    this.answer.then(forget, forget);
  }

  post(message: unknown): void {
    this.worker.postMessage(message);
  }

  release(): void {
    (this.worker as { unref?: () => void }).unref?.(); // Bun
  }

  hold(): void {
    (this.worker as { ref?: () => void }).ref?.();
  }

  terminate(): void {
    this.onEnd = null;
    this.worker.terminate();
  }
}
