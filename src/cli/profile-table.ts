import { COMMUNICATION, RANK_WAIT } from "../runtime/collective.js";
import type { Costs } from "../runtime/profile.js";
import { formatTable } from "./output.js";

/** Shares of the time of steps; null for a process that trains on its own. */
export interface RankShares {
  /** In which numbers were exchanged. */
  readonly communicationShare: number;
  /** In which this rank waited for others. */
  readonly rankWaitShare: number;
}

export function rankShares({ elapsedMs, phases }: Costs): RankShares | null {
  const shareOf = (phase: string) => {
    const cost = phases.find(({ name }) => name === phase);
    return cost && elapsedMs > 0 ? cost.elapsedMs / elapsedMs : null;
  };
  const [communicationShare, rankWaitShare] = [shareOf(COMMUNICATION), shareOf(RANK_WAIT)];
  return communicationShare === null || rankWaitShare === null ? null : { communicationShare, rankWaitShare };
}

const percent = (share: number) => `${(100 * share).toFixed(1)}%`;

/** Where the time of a run's steps went, as two tables and a sentence or two. */
export function profileTable(costs: Costs): string {
  const { elapsedMs, kernelShare, phases, kernels } = costs;
  const ranks = rankShares(costs);
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
    `${percent(kernelShare)} of ${elapsedMs.toFixed(1)} ms inside kernels` +
      (ranks
        ? `, ${percent(ranks.communicationShare)} in communication between ranks, ${percent(ranks.rankWaitShare)} waiting for them`
        : ""),
  ].join("\n\n");
}
