import { MemoryError } from "../errors.js";
import type { Encoder } from "../models/encoder.js";
import { entropyShares, lossOverLnK } from "./collapse.js";
import type { RunFolder } from "./run-folder.js";
import type { StepReport, Trainer } from "./trainer.js";

/** What labelled images say about a teacher. */
export interface TeacherScores {
  /** k-NN accuracy by number of neighbours. */
  readonly knn: Readonly<Record<number, number>>;
  /** Standard deviation of unit features, mean over their channels; 1/√F if they point everywhere. */
  readonly featureStd: number;
}

/**
 * Evaluates a teacher; given from above, since protocols stand above training. It must leave nothing behind.
 *
 * @returns null if the signal has stopped it
 */
export type EvaluateTeacher = (teacher: Encoder, signal?: AbortSignal) => Promise<TeacherScores | null>;

/** A line of evaluations.jsonl. */
export interface Evaluation extends TeacherScores {
  /** Steps done. */
  readonly iteration: number;
  /** Of the run so far; where it was resumed, from its last evaluation before that on. */
  readonly elapsedMinutes: number;
  /** Of the teacher in the last step, as shares of ln K: mean entropy of its targets, entropy of their mean; null before it. */
  readonly teacherEntropy: number | null;
  readonly teacherMeanEntropy: number | null;
  /** DINO loss of the last step per pair of crops, as a share of ln K; null before the first one, or without that loss. */
  readonly lossOverLnK: number | null;
}

export interface EvaluationOptions {
  readonly evaluate: EvaluateTeacher;
  readonly signal?: AbortSignal;
  readonly onEvaluation?: (evaluation: Evaluation) => void;
  readonly onWarning: (message: string) => void;
}

/** The evaluations of a run: at its start, every so many steps and minutes, and at its end. No step depends on them. */
export class Evaluations {
  /** Time spent in them. */
  elapsedMs = 0;
  private readonly trainer: Trainer;
  private readonly folder: RunFolder;
  private readonly options: EvaluationOptions;
  private readonly everySteps: number;
  private readonly everyMinutes: number;
  private readonly minutesBefore: number;
  private readonly startedAt = performance.now();
  private lastAt = performance.now();
  private off = false;

  constructor(trainer: Trainer, folder: RunFolder, options: EvaluationOptions) {
    const { evaluation } = trainer.config;
    this.trainer = trainer;
    this.folder = folder;
    this.options = options;
    this.everySteps = evaluation.eval_period_iterations ?? trainer.plan.epochLength;
    this.everyMinutes = evaluation.every_minutes ?? Number.POSITIVE_INFINITY;
    this.minutesBefore = folder.lastEvaluation()?.elapsedMinutes ?? 0;
  }

  /** Evaluates the random start of a run that has not had a step yet. */
  async atStart(): Promise<void> {
    if (this.trainer.iteration === 0 && this.folder.lastEvaluation() === null) await this.evaluate(null);
  }

  /** Whether the next step is to be followed by an evaluation. */
  get due(): boolean {
    if (this.off) return false;
    const { iteration, plan } = this.trainer;
    const next = iteration + 1;
    if (next % this.everySteps === 0 || next === plan.totalIterations) return true;
    return performance.now() - this.lastAt >= 60_000 * this.everyMinutes;
  }

  /**
   * Evaluates the teacher and writes a line.
   *
   * @param step  the last one, which has been observed
   * @returns null if there was no evaluation
   */
  async evaluate(step: StepReport | null): Promise<Evaluation | null> {
    const { evaluate, signal, onEvaluation, onWarning } = this.options;
    const begin = performance.now();
    try {
      if (signal?.aborted) return null;
      const scores = await evaluate(this.trainer.encoder(), signal);
      if (scores === null) return null;
      const entropy = step?.health ? entropyShares(step.health) : null;
      const evaluation: Evaluation = {
        iteration: this.trainer.iteration,
        elapsedMinutes: this.minutesSoFar(begin),
        ...scores,
        teacherEntropy: entropy?.each ?? null,
        teacherMeanEntropy: entropy?.mean ?? null,
        lossOverLnK: step ? lossOverLnK(this.trainer.config, step.losses) : null,
      };
      this.folder.appendEvaluation(evaluation);
      onEvaluation?.(evaluation);
      return evaluation;
    } catch (error) {
      if (!(error instanceof MemoryError)) throw error;
      this.off = true;
      onWarning(`${error.message} The run goes on without evaluations; lower evaluation.images.`);
      return null;
    } finally {
      this.lastAt = performance.now();
      this.elapsedMs += this.lastAt - begin;
    }
  }

  private minutesSoFar(now: number): number {
    const minutes = this.minutesBefore + (now - this.startedAt) / 60_000;
    return Math.round(1e4 * minutes) / 1e4;
  }
}
