import { memory } from "../runtime/context.js";
import { formatDuration } from "./output.js";

/** What a progress line reads of a training step. */
export interface TimedStep {
  /** From 0. */
  readonly iteration: number;
  readonly loss: number;
  readonly lr: number;
  readonly images: number;
  readonly elapsedMs: number;
  readonly dataWaitMs: number;
}

/** Steps over which rates and losses are averaged. */
const RECENT = 50;

/** Share of the time of some steps in which nothing was learned for want of images, rounded to thousandths. */
export function dataWaitShare(steps: readonly Pick<TimedStep, "elapsedMs" | "dataWaitMs">[]): number {
  const elapsedMs = steps.reduce((sum, step) => sum + step.elapsedMs, 0);
  const waitMs = steps.reduce((sum, step) => sum + step.dataWaitMs, 0);
  return elapsedMs > 0 ? Math.round((1000 * waitMs) / elapsedMs) / 1000 : 0;
}

/** Averages over recent steps, for the progress line. */
export class StepProgress {
  private readonly total: number;
  private readonly recent: TimedStep[] = [];

  /** @param total  iterations of the run */
  constructor(total: number) {
    this.total = total;
  }

  add(step: TimedStep): void {
    this.recent.push(step);
    if (this.recent.length > RECENT) this.recent.shift();
  }

  line({ iteration, lr, loss }: TimedStep): string {
    const { total, recent } = this;
    const sum = (value: (step: TimedStep) => number) => recent.reduce((all, step) => all + value(step), 0);
    const elapsedMs = sum(({ elapsedMs }) => elapsedMs);
    const done = iteration + 1;
    const eta = ((elapsedMs / recent.length) * (total - done)) / 1000;
    const meanLoss = sum(({ loss }) => loss) / recent.length;
    const mib = Math.round(memory().heapBytes / 2 ** 20);
    return (
      `[${done}/${total}] eta ${formatDuration(eta)}  loss ${loss.toFixed(4)} (${meanLoss.toFixed(4)})  lr ${lr.toExponential(2)}  ` +
      `${(sum(({ images }) => images) / (elapsedMs / 1000)).toFixed(1)} images/s  data wait ${(100 * dataWaitShare(recent)).toFixed(0)}%  ${mib} MiB`
    );
  }
}
