import type { RunFolder } from "./run-folder.js";
import type { EventFile } from "./tensorboard.js";
import type { StepReport } from "./trainer.js";

/** Stretches of a run that are timed as one. */
const STRETCH_MS = 5_000;

/**
 * What a run writes down step by step: metrics.jsonl, timing.jsonl, and event files for TensorBoard if they are asked for. Only
 * the latter two know of the clock, so equal runs have equal metrics.
 */
export class RunLog {
  private readonly folder: RunFolder;
  private readonly tensorboard: boolean;
  private events: EventFile | null = null;
  private stretch = { begin: performance.now(), iteration: 0, steps: 0, images: 0, dataWaitMs: 0 };

  constructor(folder: RunFolder, { tensorboard }: { tensorboard: boolean }) {
    this.folder = folder;
    this.tensorboard = tensorboard;
  }

  /** Writes down a step that has just been done. @throws ResourceError if the disk is full */
  step(report: StepReport): void {
    const { iteration, images, dataWaitMs } = report;
    const metrics = metricsOf(report);
    this.folder.appendMetrics(metrics);
    if (this.tensorboard) {
      this.events ??= this.folder.openEvents(iteration);
      this.events.addScalars(iteration, scalarsOf(metrics));
    }
    this.stretch.iteration = iteration;
    this.stretch.steps++;
    this.stretch.images += images;
    this.stretch.dataWaitMs += dataWaitMs;
    if (performance.now() - this.stretch.begin >= STRETCH_MS) this.endStretch();
  }

  /**
   * Writes down what the last steps took, if there were any; time counts anew from here.
   *
   * @throws ResourceError if the disk is full
   */
  endStretch(): void {
    const { begin, iteration, steps, images, dataWaitMs } = this.stretch;
    const now = performance.now();
    const [elapsedMs, waitedMs] = [now - begin, dataWaitMs].map((ms) => Number(ms.toFixed(3)));
    if (steps > 0) this.folder.appendTiming({ iteration, steps, images, elapsedMs, dataWaitMs: waitedMs });
    this.stretch = { begin: now, iteration, steps: 0, images: 0, dataWaitMs: 0 };
  }
}

/** One line of metrics.jsonl, under the keys of the published code. */
function metricsOf(report: StepReport): Record<string, unknown> {
  const { losses, updated, culprits } = report;
  return {
    iteration: report.iteration,
    lr: report.lr,
    wd: report.weightDecay,
    mom: report.momentum,
    last_layer_lr: report.lastLayerLr,
    teacher_temp: report.teacherTemperature,
    total_loss: Object.values(losses).reduce((sum, value) => sum + value, 0),
    objective: report.loss,
    ...losses,
    ...Object.fromEntries(Object.entries(report.gradientNorms).map(([part, norm]) => [`grad_norm_${part}`, norm])),
    networks: report.networks.map(({ name }) => name),
    ...(updated ? {} : { skipped: true, images: culprits }),
  };
}

/** What of a line is a curve: every number but the iteration, which is its place. */
function scalarsOf({ iteration: _, ...metrics }: Readonly<Record<string, unknown>>): [tag: string, value: number][] {
  return Object.entries(metrics).filter((entry): entry is [string, number] => typeof entry[1] === "number");
}
