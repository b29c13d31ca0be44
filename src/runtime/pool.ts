import { ResourceError } from "../errors.js";
import { type HostWorker, maySleep, startWorker } from "./host-worker.js";
import { Job, PARTS_PER_THREAD, word } from "./job.js";
import { type KernelName, type RawKernel, signatures } from "./kernels.js";
import { grainOf, LEAST_SHARED_US } from "./work.js";
import { type WorkerAnswer, type WorkerStart, workerSource } from "./worker-source.js";

/** A part of a call takes at least half of what makes a call worth dividing. */
const LEAST_PART_US = LEAST_SHARED_US / 2;

/** How long threads look for what they wait for before they sleep, in milliseconds. Waking takes about as long. */
const SPIN_MS = 0.05;

/**
 * A call in which one side did next to nothing was divided in vain: the others slept, or they share a core with this
 * thread because the machine is busy. One call wakes them; if calls in vain outnumber the others by this, calls stay whole
 * for so much work, next time for twice as much. So many good calls in a row halve it again.
 */
const TRIES = 4;
const FIRST_REST_US = 200;
const LONGEST_REST_US = 20_000;
/** Calls from this cost on are divided all the same. */
const ALWAYS_SHARED_US = 10_000;

/** While the calling thread sleeps, it looks this often whether the others live, and gives up after so many looks. */
const LOOK_MS = 100;
const MOST_LOOKS = 600;

/** A worker that has not started by then never will. */
const START_LIMIT_MS = 20_000;

export interface PoolOptions {
  readonly threads: number;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** The kernels of the calling thread. */
  readonly raw: Record<KernelName, RawKernel>;
  /** Starts a worker; the host's own by default. */
  readonly start?: (source: string) => HostWorker;
  /** Addresses of each thread's working memory, the calling one's first. */
  readonly scratch: readonly number[];
}

const names = Object.keys(signatures) as KernelName[];
const kernelList = names.map((name) => ({ name, arity: signatures[name].arity, scratch: signatures[name].scratch }));

/**
 * Threads that compute parts of kernel calls on one memory. A call is written to shared memory and its parts are taken one
 * by one by whichever thread is free, the calling one included. Which thread computes a part changes no bit of it.
 */
export class Pool {
  readonly threads: number;
  private readonly job = new Job();
  private readonly raw: readonly RawKernel[];
  private readonly scratch: number;
  private readonly workers: HostWorker[] = [];
  private readonly maySleep = maySleep();
  private failure: string | null = null;
  private inVain = 0;
  private goodInRow = 0;
  private restUs = 0;
  private nextRestUs = FIRST_REST_US;

  private constructor({ threads, raw, scratch }: PoolOptions) {
    this.threads = threads;
    this.raw = names.map((name) => raw[name]);
    this.scratch = scratch[0];
  }

  /** @throws ResourceError if the host starts fewer threads than asked for */
  static async start(options: PoolOptions): Promise<Pool> {
    const pool = new Pool(options);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const reason = `no answer within ${START_LIMIT_MS / 1000} s`;
      timer = setTimeout(() => reject(new Error(reason)), START_LIMIT_MS);
    });
    const { start = startWorker } = options;
    try {
      for (let i = 1; i < options.threads; i++) pool.workers.push(start(workerSource));
      const ready = pool.workers.map((worker, i) => pool.prepare(worker, options, options.scratch[i + 1]));
      await Promise.race([late, Promise.all(ready)]);
    } catch (cause) {
      pool.dispose();
      const reason = (cause as Error).message;
      throw new ResourceError(`threads: the host starts no workers (${reason}). Use one thread.`, { cause });
    } finally {
      clearTimeout(timer);
    }
    return pool;
  }

  /** Where the arguments of the next call go. */
  get args(): Float64Array {
    return this.job.args;
  }

  /** Whether a call of this cost stays whole, since dividing others before it was in vain. */
  rests(us: number): boolean {
    if (this.restUs <= 0 || us >= ALWAYS_SHARED_US) return false;
    this.restUs -= us;
    return true;
  }

  /**
   * Computes the call whose arguments were put.
   *
   * @param kernel  its place in the module
   * @param us  its cost in microseconds
   * @throws what the kernel throws; ResourceError if a thread has ended
   */
  divide(kernel: number, us: number): void {
    if (this.failure) throw this.broken(kernel);
    const parts = this.publish(kernel, us);
    let taken = 0;
    let thrown: unknown = null;
    const { words } = this.job;
    for (let left = Atomics.sub(words, word.left, 1); left > 0; left = Atomics.sub(words, word.left, 1)) {
      try {
        this.compute(kernel, words[word.bounds + left - 1], words[word.bounds + left]);
      } catch (error) {
        thrown ??= error; // the others must be done before anyone may go on
      }
      Atomics.add(words, word.done, 1);
      taken++;
    }
    if (Atomics.load(words, word.done) !== parts) this.join(kernel, parts);
    if (us < ALWAYS_SHARED_US) this.judge(parts, taken);
    if (words[word.failed] !== 0) {
      const text = this.job.takeFailure();
      thrown ??= new WebAssembly.RuntimeError(`${names[kernel]}: a thread stopped at ${text}`);
    }
    if (thrown) throw thrown;
  }

  /** Ends all threads. */
  dispose(): void {
    for (const worker of this.workers) worker.terminate();
    this.failure ??= "it was disposed";
  }

  private async prepare(worker: HostWorker, { module, memory }: PoolOptions, scratch: number): Promise<void> {
    worker.onEnd = (reason) => {
      this.failure ??= reason;
    };
    const { buffer } = this.job;
    worker.post({ module, memory, buffer, kernels: kernelList, scratch, spinMs: SPIN_MS } satisfies WorkerStart);
    const answer = (await worker.answer) as WorkerAnswer;
    if (answer !== null) throw new Error(answer);
    worker.release();
  }

  /** Ends all threads for a reason. */
  private end(reason: string): void {
    this.failure ??= reason;
    for (const worker of this.workers) worker.terminate();
  }

  /** Writes the call's bounds, even parts in multiples of the grain, and lets the others begin. */
  private publish(kernel: number, us: number): number {
    const { words, args } = this.job;
    const extent = args[0];
    const grain = grainOf(names[kernel], extent);
    const units = Math.ceil(extent / grain);
    const wanted = Math.ceil(us / LEAST_PART_US);
    const parts = Math.max(1, Math.min(units, wanted, this.threads * PARTS_PER_THREAD));
    for (let part = 0; part < parts; part++) words[word.bounds + part] = Math.floor((part * units) / parts) * grain;
    words[word.bounds + parts] = extent;
    words[word.kernel] = kernel;
    Atomics.store(words, word.done, 0);
    Atomics.store(words, word.left, parts);
    Atomics.add(words, word.call, 1);
    if (parts > 1 && Atomics.load(words, word.asleep) > 0) Atomics.notify(words, word.call, parts - 1);
    return parts;
  }

  private compute(kernel: number, begin: number, end: number): void {
    const { arity, scratch } = kernelList[kernel];
    const call: number[] = [];
    for (let i = 0; i < arity; i++) call.push(this.args[i]);
    if (scratch) call.push(this.scratch);
    call.push(begin, end);
    this.raw[kernel](...call);
  }

  /** Notes whether both sides took a share, and lets calls stay whole for a while if too often they did not. */
  private judge(parts: number, taken: number): void {
    const few = parts / 8;
    if (taken > few && parts - taken > few) {
      this.inVain = Math.max(this.inVain - 1, 0);
      if (++this.goodInRow < TRIES) return;
      this.goodInRow = 0;
      this.nextRestUs = Math.max(this.nextRestUs / 2, FIRST_REST_US);
      return;
    }
    this.goodInRow = 0;
    if (++this.inVain < TRIES) return;
    this.inVain = 0;
    this.restUs = this.nextRestUs;
    this.nextRestUs = Math.min(2 * this.nextRestUs, LONGEST_REST_US);
  }

  /** Waits until the others are done with what they have taken. */
  private join(kernel: number, parts: number): void {
    const { words } = this.job;
    const isDone = () => Atomics.load(words, word.done) === parts;
    for (let look = 0; look < MOST_LOOKS; look++) {
      if (this.spin(isDone, this.maySleep ? SPIN_MS : LOOK_MS)) return;
      if (this.maySleep) this.sleep(parts);
      if (isDone()) return;
      if (this.workers.some((worker) => !worker.alive)) this.end("it ended within a call");
      if (this.failure) throw this.broken(kernel);
    }
    this.end(`it has not answered for ${(MOST_LOOKS * LOOK_MS) / 1000} s`);
    throw this.broken(kernel);
  }

  private spin(isDone: () => boolean, limitMs: number): boolean {
    const end = performance.now() + limitMs;
    do {
      for (let i = 0; i < 200; i++) if (isDone()) return true;
    } while (performance.now() < end);
    return false;
  }

  /** Sleeps until all is done, or until it is time to look after the others. */
  private sleep(parts: number): void {
    const { words } = this.job;
    Atomics.store(words, word.joining, 1);
    for (let done = Atomics.load(words, word.done); done !== parts; done = Atomics.load(words, word.done)) {
      if (Atomics.wait(words, word.done, done, LOOK_MS) === "timed-out") break;
    }
    Atomics.store(words, word.joining, 0);
  }

  private broken(kernel: number): ResourceError {
    return new ResourceError(
      `${names[kernel]}: a thread of the runtime is lost (${this.failure}). Results of this step are not complete; call init() again.`,
    );
  }
}
