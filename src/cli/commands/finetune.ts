import { resolve } from "node:path";
import type { ImageSource } from "../../data/dataset.js";
import { ConfigError } from "../../errors.js";
import { bootstrapMean } from "../../eval/bootstrap.js";
import { type Classification, classify } from "../../eval/classify.js";
import { writeClassifier } from "../../export/classifier-file.js";
import { type HiddenLayer, projectionStart } from "../../export/projection-start.js";
import { type Classifier, pooledLength } from "../../models/classifier.js";
import type { Encoder } from "../../models/encoder.js";
import { init } from "../../runtime/context.js";
import { FinetuneFolder, type FinetuneInfo } from "../../train/finetune-folder.js";
import { type FinetuneLoopResult, finetuneLoop } from "../../train/finetune-loop.js";
import { FineTuner } from "../../train/finetuner.js";
import type { Call, Command } from "../command.js";
import {
  type FinetuneSources,
  finetuneSettings,
  openFinetuneSources,
  settingsOptions,
  sourceOptions,
} from "../finetune-options.js";
import { INTERRUPTED, interruptible } from "../interrupt.js";
import { openModel, teacherWeights } from "../model.js";
import type { Output } from "../output.js";
import { StepProgress } from "../step-progress.js";
import { absoluteSpec, hostInfo } from "../training.js";
import { version } from "../version.js";

export const finetune: Command = {
  name: "finetune",
  summary: "train an encoder and a classifier on labelled images",
  operands: ["MODEL"],
  options: {
    ...sourceOptions,
    out: { value: "DIR", about: "folder of the result, new or empty" },
    net: { value: "NAME", about: "sub-network of a run: 96x4, small, full", fallback: "full" },
    ...settingsOptions,
    resume: { about: "continue what the same call has begun in --out" },
    overwrite: { about: "replace what an earlier fine-tuning left in --out" },
    strict: { about: "stop at the first broken image" },
  },
  examples: [
    "poa finetune runs/photos --data photos --out tuned --net 64x2 --epochs 30",
    "poa finetune encoders/small.safetensors --data imagenet --out tuned --recipe vit_s",
    "poa finetune runs/cifar --data cifar10:DIR --out few --share 0.01 --head projection --ema 0.99",
  ],
  async run(call, output) {
    const given = finetuneSettings(call);
    const [out, resume, overwrite] = [call.required("out"), call.flag("resume"), call.flag("overwrite")];
    if (resume && overwrite) throw new ConfigError("finetune: --resume and --overwrite exclude each other.");
    const sources = await openFinetuneSources(call, given.seed);
    const batch = Math.min(given.batch, sources.train.length);
    if (batch < given.batch) output.note(`batch of ${batch}: there are no more images to learn from`);
    if (!resume) FinetuneFolder.expectFree(out, { overwrite });
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const hiddenStart = given.hidden > 0 ? headOf(call.operands[0], encoder) : null;
    const hidden = hiddenStart?.bias.data.length ?? given.hidden;
    const tuner = new FineTuner(
      encoder,
      sources.train,
      { ...given, batch, hidden },
      {
        strict: call.flag("strict"),
        onWarning: (message) => output.warn(message),
        hiddenStart,
      },
    );
    encoder.backbone.dispose();
    const info = infoOf(call, tuner, network);
    // Only now, so that a mistake in any option leaves neither an empty folder behind nor an old run deleted.
    const folder = resume ? FinetuneFolder.open(out, info) : FinetuneFolder.create(out, info, { overwrite });
    try {
      const before = folder.readResult();
      if (before) {
        output.note("the fine-tuning is finished");
        tell(output, before as unknown as FinetuneResult);
        return 0;
      }
      if (resume) restore(tuner, folder, output);
      return await new FinetuneRun(tuner, folder, sources, { output, strict: call.flag("strict") }).run(network);
    } finally {
      tuner.close();
      folder.unlock();
    }
  },
};

/** The first layer of a run's projection head, where the classifier reads the feature that the head has read. */
function headOf(path: string, { backbone }: Encoder): HiddenLayer | null {
  const weights = teacherWeights(path);
  return weights && pooledLength(backbone) === backbone.featureDim
    ? projectionStart(weights, backbone.featureDim)
    : null;
}

function infoOf(call: Call, { settings, source }: FineTuner, network: string): FinetuneInfo {
  return {
    version,
    model: resolve(call.operands[0]),
    network,
    settings,
    data: absoluteSpec(call.required("data")),
    images: source.length,
    dataFingerprint: source.fingerprint(),
    classes: source.classes,
    host: hostInfo(),
  };
}

function restore(tuner: FineTuner, folder: FinetuneFolder, output: Output): void {
  const saved = folder.loadNewest(tuner.ema !== null, (message) => output.warn(message));
  if (saved) tuner.restore(saved);
  folder.metrics.truncate(tuner.iteration);
  output.note(`continuing at step ${tuner.iteration} of ${tuner.plan.totalIterations}`);
}

/** What scripts read. */
interface FinetuneResult {
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
class FinetuneRun {
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
    tell(output, result);
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
        output.event("step", { iteration, epoch, loss, lr });
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
        { network, recipe: "finetune", seed: settings.seed, iterations, version },
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

function tell(output: Output, result: FinetuneResult): void {
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
