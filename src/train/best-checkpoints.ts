import type { Config } from "../poa/config-keys.js";
import type { RunPlan } from "../poa/plan.js";
import type { Evaluation } from "./evaluation.js";
import { RecentLoss } from "./recent-loss.js";
import type { RunFolder } from "./run-folder.js";
import type { StepReport } from "./trainer.js";

/** What decides: the k-NN accuracy of an evaluation, or the loss where there are none. */
export type Criterion = "knn" | "loss";

/** A checkpoint and what it was judged by. */
export interface JudgedCheckpoint {
  readonly step: number;
  /** Accuracy with the most neighbours, or mean loss over the steps between two checkpoints. */
  readonly value: number;
}

/** What best.json says. */
export interface BestRecord {
  readonly by: Criterion;
  /** The best first. */
  readonly checkpoints: readonly JudgedCheckpoint[];
}

/** The best checkpoints of a run; its best.json names them. */
export class BestCheckpoints {
  private readonly folder: RunFolder;
  private readonly keep: number;
  private readonly by: Criterion;
  private readonly recent: RecentLoss;
  private entries: readonly JudgedCheckpoint[];

  /** @param iteration  steps that are done */
  constructor(folder: RunFolder, { config, plan, iteration }: { config: Config; plan: RunPlan; iteration: number }) {
    this.folder = folder;
    this.keep = config.train.keep_best;
    this.by = config.evaluation.knn === null ? "loss" : "knn";
    this.recent = new RecentLoss(plan.checkpointEvery);
    const record = this.keep > 0 ? folder.readBest() : null;
    const there = new Set(folder.checkpoints.steps());
    const known = record?.by === this.by ? record.checkpoints : [];
    this.entries = known.filter(({ step }) => there.has(step) && step <= iteration).slice(0, this.keep);
    if (this.keep > 0 && this.by === "loss") {
      for (const { objective, skipped } of folder.lastMetrics(plan.checkpointEvery))
        if (typeof objective === "number" && skipped !== true) this.recent.add(objective);
    }
  }

  /** Steps of the checkpoints to keep. */
  get steps(): readonly number[] {
    return this.entries.map(({ step }) => step);
  }

  /** Takes note of a step. */
  see({ updated, loss }: StepReport): void {
    if (updated && this.keep > 0 && this.by === "loss") this.recent.add(loss);
  }

  /** What an evaluation says about the network, if evaluations decide. */
  ofEvaluation(evaluation: Evaluation | null): number | null {
    if (evaluation === null || this.by === "loss") return null;
    const neighbours = Object.keys(evaluation.knn).map(Number);
    return neighbours.length === 0 ? null : evaluation.knn[Math.max(...neighbours)];
  }

  /** What the last steps say about the network, if the loss decides. */
  ofLoss(): number | null {
    return this.by === "loss" ? this.recent.mean() : null;
  }

  /** Whether a checkpoint of this value would be among the best. */
  wants(step: number, value: number | null): value is number {
    if (this.keep === 0 || value === null || !Number.isFinite(value) || this.steps.includes(step)) return false;
    return this.entries.length < this.keep || this.better(value, this.entries[this.entries.length - 1].value);
  }

  /** Puts a checkpoint that has been saved among the best, if it is one of them. @throws ResourceError if the disk is full */
  consider(step: number, value: number | null): void {
    if (!this.wants(step, value)) return;
    // Of equal ones the earlier stays in front, since sorting is stable.
    this.entries = [...this.entries, { step, value }]
      .sort((a, b) => (a.value === b.value ? 0 : this.better(a.value, b.value) ? -1 : 1))
      .slice(0, this.keep);
    this.folder.saveBest({ by: this.by, checkpoints: this.entries });
  }

  private better(a: number, b: number): boolean {
    return this.by === "knn" ? a > b : a < b;
  }
}
