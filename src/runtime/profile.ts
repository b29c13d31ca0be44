import type { KernelName, Kernels } from "./kernels.js";
import { kernels, setKernels } from "./launch.js";
import { type ChromeTrace, Trace } from "./trace.js";

/** The phase that encloses all others of a training step. */
const STEP = "step";

/** Events that a trace keeps; as JSON some 12 MB. */
const TRACE_EVENTS = 2 ** 17;

/** What the calls of one kernel have cost. */
export interface KernelCost {
  readonly name: KernelName;
  readonly calls: number;
  readonly elapsedMs: number;
}

/** What one phase has cost, without the phases inside it. */
export interface PhaseCost {
  readonly name: string;
  readonly calls: number;
  readonly elapsedMs: number;
  /** Time of it inside kernels. */
  readonly kernelMs: number;
}

/** Where the time inside phases went. */
export interface Costs {
  readonly elapsedMs: number;
  /** Share of it inside kernels. */
  readonly kernelShare: number;
  /** In order of their first beginning; last, as "other", what steps did outside their phases. */
  readonly phases: readonly PhaseCost[];
  /** The most expensive first. */
  readonly kernels: readonly KernelCost[];
}

interface Total {
  readonly traceId: number;
  calls: number;
  elapsedMs: number;
  kernelMs: number;
}

let live: Profile | null = null;

/**
 * Runs fn as a phase of a step: the profile that is on, if one is, counts and times it. A phase whose function returns a
 * promise lasts until that settles; nothing else may begin a phase meanwhile, except inside it.
 */
export function phase<T>(name: string, fn: () => T): T {
  return live === null ? fn() : live.measure(name, fn);
}

/** Measures phases, and the kernel calls inside them, from its making on until `stop`. One at a time. */
export class Profile {
  private readonly phases = new Map<string, Total>();
  private readonly kernels = new Map<KernelName, Total>();
  private readonly trace = new Trace(TRACE_EVENTS);
  private readonly open: { readonly total: Total; readonly startMs: number }[] = [];
  private readonly originMs = performance.now();
  private readonly untimed = kernels;
  private readonly timed: Kernels;
  /** When the innermost open phase last began or was left to. */
  private sinceMs = 0;

  constructor() {
    live?.stop();
    const entries = Object.entries(kernels) as [KernelName, (...args: number[]) => void][];
    this.timed = Object.fromEntries(
      entries.map(([name, kernel]) => [name, this.timedKernel(name, kernel)]),
    ) as unknown as Kernels;
    setKernels(this.timed);
    live = this;
  }

  /** Runs fn as a phase of this profile. */
  measure<T>(name: string, fn: () => T): T {
    this.enter(name);
    let result: T;
    try {
      result = fn();
    } catch (error) {
      this.leave();
      throw error;
    }
    if (result instanceof Promise) return result.finally(() => this.leave()) as T;
    this.leave();
    return result;
  }

  /** What phases that have ended, and kernels inside phases, have cost so far. */
  costs(): Costs {
    const phases = [...this.phases].map(([name, { calls, elapsedMs, kernelMs }]) => ({
      name: name === STEP ? "other" : name,
      calls,
      elapsedMs,
      kernelMs,
    }));
    phases.sort((a, b) => Number(a.name === "other") - Number(b.name === "other"));
    const kernelCosts = [...this.kernels]
      .filter(([, { calls }]) => calls > 0)
      .map(([name, { calls, elapsedMs }]) => ({ name, calls, elapsedMs }))
      .sort((a, b) => b.elapsedMs - a.elapsedMs);
    const elapsedMs = phases.reduce((sum, cost) => sum + cost.elapsedMs, 0);
    const kernelMs = phases.reduce((sum, cost) => sum + cost.kernelMs, 0);
    return { elapsedMs, kernelShare: elapsedMs > 0 ? kernelMs / elapsedMs : 0, phases, kernels: kernelCosts };
  }

  /** The latest phases and kernel calls, for a viewer. */
  chromeTrace(): ChromeTrace {
    return this.trace.toChrome(this.originMs);
  }

  /** Ends the measuring; a runtime that was begun meanwhile is left alone. */
  stop(): void {
    if (kernels === this.timed) setKernels(this.untimed);
    if (live === this) live = null;
  }

  private enter(name: string): void {
    const now = performance.now();
    this.chargeInnermost(now);
    const total = this.phases.get(name) ?? this.newTotal(name);
    this.phases.set(name, total);
    this.open.push({ total, startMs: now });
  }

  private leave(): void {
    const now = performance.now();
    this.chargeInnermost(now);
    const ended = this.open.pop();
    if (!ended) return;
    ended.total.calls++;
    this.trace.add("phase", ended.total.traceId, ended.startMs, now);
  }

  private chargeInnermost(now: number): void {
    const innermost = this.open.at(-1);
    if (innermost) innermost.total.elapsedMs += now - this.sinceMs;
    this.sinceMs = now;
  }

  private timedKernel(name: KernelName, kernel: (...args: number[]) => void): (...args: number[]) => void {
    const total = this.newTotal(name);
    this.kernels.set(name, total);
    return (...args) => {
      const startMs = performance.now();
      kernel(...args);
      const endMs = performance.now();
      const innermost = this.open.at(-1);
      if (!innermost) return;
      total.calls++;
      total.elapsedMs += endMs - startMs;
      innermost.total.kernelMs += endMs - startMs;
      this.trace.add("kernel", total.traceId, startMs, endMs);
    };
  }

  private newTotal(name: string): Total {
    return { traceId: this.trace.nameId(name), calls: 0, elapsedMs: 0, kernelMs: 0 };
  }
}
