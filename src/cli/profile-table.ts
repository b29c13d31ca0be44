import type { Costs } from "../runtime/profile.js";
import { formatTable } from "./output.js";

/** Where the time of a run's steps went, as two tables and a sentence. */
export function profileTable({ elapsedMs, kernelShare, phases, kernels }: Costs): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
  const share = (ms: number, of: number) => percent(of > 0 ? ms / of : 0);
  const kernelMs = kernels.reduce((sum, cost) => sum + cost.elapsedMs, 0);
  const ofPhases = phases.map((cost) => [
    cost.name,
    String(cost.calls),
    cost.elapsedMs.toFixed(1),
    share(cost.elapsedMs, elapsedMs),
    share(cost.kernelMs, cost.elapsedMs),
  ]);
  const ofKernels = kernels.map((cost) => [
    cost.name,
    String(cost.calls),
    cost.elapsedMs.toFixed(1),
    share(cost.elapsedMs, kernelMs),
  ]);
  return [
    formatTable([["phase", "calls", "ms", "share", "in kernels"], ...ofPhases]),
    formatTable([["kernel", "calls", "ms", "share"], ...ofKernels]),
    `${percent(kernelShare)} of ${elapsedMs.toFixed(1)} ms inside kernels`,
  ].join("\n\n");
}
