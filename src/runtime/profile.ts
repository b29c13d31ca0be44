import type { KernelName, Kernels } from "./kernels.js";
import { kernels, setKernels } from "./launch.js";

/** What one kernel has cost so far. */
export interface KernelCost {
  readonly name: KernelName;
  readonly calls: number;
  readonly elapsedMs: number;
}

/**
 * Measures every kernel call from now on, until the runtime is disposed or replaced.
 *
 * @returns gives the costs so far, the most expensive kernel first
 */
export function profileKernels(): () => KernelCost[] {
  const costs = new Map<KernelName, { calls: number; elapsedMs: number }>();
  const timed = (Object.entries(kernels) as [KernelName, (...args: number[]) => void][]).map(([name, kernel]) => {
    const cost = { calls: 0, elapsedMs: 0 };
    costs.set(name, cost);
    const call = (...args: number[]) => {
      const start = performance.now();
      kernel(...args);
      cost.elapsedMs += performance.now() - start;
      cost.calls++;
    };
    return [name, call];
  });
  setKernels(Object.fromEntries(timed) as unknown as Kernels);
  return () =>
    [...costs]
      .filter(([, { calls }]) => calls > 0)
      .map(([name, cost]) => ({ name, ...cost }))
      .sort((a, b) => b.elapsedMs - a.elapsedMs);
}
