import type { ImageSource } from "../data/dataset.js";
import { bootstrapMean } from "../eval/bootstrap.js";
import { type Classification, classify } from "../eval/classify.js";
import { writeClassifier } from "../export/classifier-file.js";
import type { Classifier } from "../models/classifier.js";
import type { FinetuneFolder } from "../train/finetune-folder.js";
import { type FinetuneLoopResult, finetuneLoop } from "../train/finetune-loop.js";
import type { FineTuner } from "../train/finetuner.js";
import type { FinetuneSources } from "./finetune-options.js";
import { INTERRUPTED, interruptible } from "./interrupt.js";
import type { Output } from "./output.js";
import { dataWaitShare, StepProgress } from "./step-progress.js";
import { version } from "./version.js";

/** What a fine-tuning has to tell at its end. */
export interface FinetuneResult {
  readonly out: string;
  readonly network: string;
  readonly top1: number;
  readonly interval: { readonly low: number; readonly high: number };
  /** The same of the moving average. */
  readonly ema?: Pick<FinetuneResult, "top1" | "interval">;
  readonly file: string;
  readonly epochs: number;
  readonly iterations: number;
  readonly images: number;
  readonly testImages: number;
  readonly imagesPerSecond: number;
  readonly loss: number | null;
}

/** One call: steps with progress, accuracies, files, result. */
export class FinetuneRun {
  private readonly tuner: FineTuner;
  private readonly folder: FinetuneFolder;
  private readonly sources: FinetuneSources;
  private readonly output: Output;
  private readonly strict: boolean;
  private readonly warned = new Set<string>();

  constructor(
    tuner: FineTuner,
    folder: FinetuneFolder,
    sources: FinetuneSources,
    { output, strict }: { output: Output; strict: boolean },
  ) {
    this.tuner = tuner;
    this.folder = folder;
    this.sources = sources;
    this.output = output;
    this.strict = strict;
  }

  /** @returns the exit code */
  async run(network: string): Promise<number> {
    const { folder, output } = this;
    const trained = await interruptible(
      output,
      () => folder.unlock(),
      (signal) => this.train(signal),
    );
    if (trained.interrupted) {
      output.event("result", { out: folder.path, iterations: trained.iterations, interrupted: true });
      output.note("interrupted; the same call with --resume continues");
      return INTERRUPTED;
    }
    const result = await this.conclude(network, trained);
    folder.writeResult({ ...result });
    tellResult(output, result);
    return 0;
  }

  private train(signal: AbortSignal): Promise<FinetuneLoopResult> {
    const { tuner, folder, output } = this;
    const { val } = this.sources;
    const progress = new StepProgress(tuner.plan.totalIterations);
    return finetuneLoop(tuner, folder, {
      validate: val && (() => this.validate(val)),
      signal,
      onWarning: (message) => output.warn(message),
      onStep: (report) => {
        progress.add(report);
        const { iteration, epoch, loss, lr } = report;
        output.event("step", { iteration, epoch, loss, lr, dataWaitShare: dataWaitShare([report]) });
        output.progress(() => progress.line(report), { final: tuner.finished });
      },
      onEpoch: (epochs, figures) => {
        output.event("epoch", { epochs, ...figures });
        const shown = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(4)}`);
        if (shown.length > 0) output.note(`epoch ${Number(epochs.toFixed(2))}: ${shown.join(", ")}`);
      },
    });
  }

  private async validate(source: ImageSource): Promise<Record<string, number>> {
    const { top1 } = await this.ask(source, this.tuner.model);
    const averaged = this.tuner.averaged();
    return { top1, ...(averaged && { ema_top1: (await this.ask(source, averaged)).top1 }) };
  }

  /** Accuracy of a network; what is wrong with an image is told once. */
  private ask(source: ImageSource, model: Classifier): Promise<Classification> {
    return classify(source, model, this.tuner.spec, {
      strict: this.strict,
      onWarning: (message) => {
        if (!this.warned.has(message)) this.output.warn(message);
        this.warned.add(message);
      },
    });
  }

  /** Writes the networks and asks them about the test images. */
  private async conclude(
    network: string,
    { iterations, imagesPerSecond, loss }: FinetuneLoopResult,
  ): Promise<FinetuneResult> {
    const { tuner, folder, sources } = this;
    const { spec, settings, source, model } = tuner;
    const averaged = tuner.averaged();
    const write = (which: "weights" | "ema", of: Classifier) =>
      writeClassifier(
        folder.modelPath(which),
        { model: of, spec, classes: source.classes },
        { network, images: source.length, epochs: settings.epochs, seed: settings.seed, version },
      );
    write("weights", model);
    if (averaged) write("ema", averaged);
    const figuresOf = async (of: Classifier) => {
      const { top1, correct } = await this.ask(sources.test, of);
      return { top1, interval: bootstrapMean(correct), testImages: correct.length };
    };
    const { testImages, ...figures } = await figuresOf(model);
    const { testImages: _, ...ofAverage } = averaged ? await figuresOf(averaged) : { ...figures, testImages };
    return {
      out: folder.path,
      network,
      ...figures,
      ...(averaged && { ema: ofAverage }),
      file: folder.modelPath(),
      epochs: settings.epochs,
      iterations,
      images: source.length,
      testImages,
      imagesPerSecond,
      loss,
    };
  }
}

/** Prints a result, for machines or for people. */
export function tellResult(output: Output, result: FinetuneResult): void {
  const { network, epochs, images, testImages, ema, file } = result;
  const figure = ({ top1, interval }: Pick<FinetuneResult, "top1" | "interval">) =>
    `${top1.toFixed(4)} (95 %: ${interval.low.toFixed(4)} to ${interval.high.toFixed(4)})`;
  output.result(
    { ...result },
    [
      `network ${network}, ${epochs} epochs of ${images} images`,
      `top-1 on ${testImages} test images: ${figure(result)}`,
      ...(ema ? [`moving average: ${figure(ema)}`] : []),
      file,
    ].join("\n"),
  );
}
