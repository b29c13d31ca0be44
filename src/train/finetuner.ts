import { step } from "../autograd/tape.js";
import { BatchFeed, type FedBatch, usualWorkers } from "../data/batch-feed.js";
import type { ImageSource } from "../data/dataset.js";
import { batchesPerPass } from "../data/order.js";
import { ConfigError, DataError, ShapeError } from "../errors.js";
import { Classifier, ProjectionClassifier } from "../models/classifier.js";
import { type Encoder, trainableCopy } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { type DropPath, dropPathPerSample } from "../nn/drop-path.js";
import { softCrossEntropy } from "../ops/cross-entropy.js";
import { AdamW } from "../optim/adamw.js";
import { clipGradients } from "../optim/clip.js";
import { fineTuneGroups } from "../optim/groups.js";
import type { StateTensor } from "../optim/moments.js";
import type { SavedTensor } from "../optim/optimizer-state.js";
import { cosineSchedule, type Schedule } from "../optim/schedule.js";
import { phase } from "../runtime/profile.js";
import { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { type LabelledBatch, LabelledBatchMaker } from "./finetune-batch.js";
import { checkFinetuneSettings, type FinetuneSettings } from "./finetune-settings.js";

/** Keeps the classifier's start and stochastic depth apart from other uses of the seed: "head" and "drop" in ASCII. */
const HEAD_STREAM = 0x68656164;
const DROP_STREAM = 0x64726f70;

/** Share of the epochs in which the learning rate rises, unless it is given. */
const WARMUP_SHARE = 0.1;

/** What one iteration has to tell. */
export interface FinetuneReport {
  /** Number of the iteration, from 0. */
  readonly iteration: number;
  /** Epoch that it belongs to, from 0. */
  readonly epoch: number;
  readonly lr: number;
  /** Cross-entropy against the mixed and smoothed targets, in nats. */
  readonly loss: number;
  readonly gradientNorm: number;
  /** False if loss or gradient was not finite; then no weight changed. */
  readonly updated: boolean;
  readonly images: number;
  readonly elapsedMs: number;
  /** Time of it in which nothing was learned, since images were waited for or augmented on this thread. */
  readonly dataWaitMs: number;
}

/** Steps that follow from settings and data. */
export interface FinetunePlan {
  readonly iterationsPerEpoch: number;
  readonly totalIterations: number;
  readonly imagesPerStep: number;
  readonly peakLearningRate: number;
}

/** Everything a run needs to continue exactly. */
export interface FinetuneState<T> {
  readonly iteration: number;
  readonly model: ReadonlyMap<string, T>;
  /** Of the moving average; null without one. */
  readonly ema: ReadonlyMap<string, T> | null;
  readonly optimizer: ReadonlyMap<string, T>;
}

/** The start of the weights, and what happens on broken images. */
export interface FineTunerOptions {
  /** Told once per broken image. */
  onWarning?: (message: string) => void;
  /** Stop at the first broken image. */
  strict?: boolean;
  /** Threads that decode and augment, 0 for none beside the calling one. Default: one for each core that does not compute. */
  workers?: number;
  /** Weights that a hidden layer of the classifier starts from: [hidden, F] and [hidden]. */
  hiddenStart?: Readonly<Record<"weight" | "bias", SavedTensor>> | null;
}

/**
 * Supervised fine-tuning of any encoder with a classifier on it, in memory (spec §7.3). Everything random is a function of
 * seed, iteration and image, so a restored one continues exactly.
 */
export class FineTuner {
  readonly settings: FinetuneSettings;
  readonly plan: FinetunePlan;
  readonly model: Classifier;
  /** A moving average of the model; null without one. */
  readonly ema: Classifier | null;
  /** What the network is, and how images must look at its door. */
  readonly spec: EncoderSpec;
  readonly source: ImageSource;
  private readonly options: FineTunerOptions;
  private readonly lr: Schedule;
  private readonly optimizer: AdamW;
  private readonly maker: LabelledBatchMaker;
  private readonly feed: BatchFeed;
  private next = 0;

  /**
   * @param encoder  stays as it is; its weights are copied
   * @param source  labelled images
   * @throws ConfigError for settings out of range, DataError if the source has no labels or does not fill a batch
   */
  constructor(encoder: Encoder, source: ImageSource, settings: FinetuneSettings, options: FineTunerOptions = {}) {
    checkFinetuneSettings(settings);
    if (!source.labels || source.classes.length < 2)
      throw new DataError(
        `finetune: ${source.name} has no labels of two classes. Put images into one folder per class.`,
      );
    refuseBatchOfOne(encoder.spec, settings.batch);
    this.settings = settings;
    this.plan = planOf(settings, source.length);
    this.lr = scheduleOf(settings, this.plan);
    this.source = source;
    this.spec = encoder.spec;
    this.options = options;
    const { dropPath: dropPathRate, hidden, ema, layerDecay, seed } = settings;
    const classes = source.classes.length;
    const backbone = trainableCopy(encoder, { dropPathRate });
    this.model = new Classifier(backbone, { classes, hidden, rng: new Rng(seed, HEAD_STREAM) });
    const { head } = this.model;
    if (options.hiddenStart && head instanceof ProjectionClassifier)
      head.fc1.loadStateDict(new Map(Object.entries(options.hiddenStart)));
    this.ema = ema === null ? null : this.model.materialize().requireGrad(false);
    this.optimizer = new AdamW(fineTuneGroups(this.model, layerDecay));
    this.maker = new LabelledBatchMaker(settings, encoder.spec, classes);
    this.feed = this.openFeed();
  }

  /** Iterations done. */
  get iteration(): number {
    return this.next;
  }

  /** Whether all steps are done. */
  get finished(): boolean {
    return this.next >= this.plan.totalIterations;
  }

  /** Whether the last iteration was the last of an epoch, or of the run. */
  get atEpochEnd(): boolean {
    return this.next > 0 && (this.finished || this.next % this.plan.iterationsPerEpoch === 0);
  }

  /** Reasons by path of the images that could not be read so far. */
  get broken(): ReadonlyMap<string, string> {
    return this.feed.broken;
  }

  /** Trains one iteration. */
  step(): Promise<FinetuneReport> {
    return phase("step", () => this.train());
  }

  private async train(): Promise<FinetuneReport> {
    const start = performance.now();
    const iteration = this.next;
    const { accumulate, weightDecay, ema: momentum } = this.settings;
    const micro: FedBatch[] = [];
    for (let i = 0; i < accumulate; i++)
      micro.push(await phase("data", () => this.feed.read(iteration * accumulate + i)));
    let dataWaitMs = performance.now() - start;
    const make = (batch: FedBatch, i: number) => {
      const begin = performance.now();
      const made = phase("data", () => this.maker.make(batch, iteration, i));
      dataWaitMs += performance.now() - begin;
      return made;
    };
    const loss = micro.reduce((sum, batch, i) => sum + this.learn(() => make(batch, i), iteration, i), 0);
    const gradientNorm = phase("clip", () => clipGradients(this.model, Number.POSITIVE_INFINITY));
    const updated = Number.isFinite(loss) && Number.isFinite(gradientNorm);
    const lr = this.lr(iteration);
    const following = this.ema && { teacher: this.ema, student: this.model, momentum: momentum ?? 0 };
    if (updated) phase("update", () => this.optimizer.update({ lr, weightDecay }, following));
    else this.optimizer.discardGradients();
    this.next++;
    return {
      iteration,
      epoch: Math.floor(iteration / this.plan.iterationsPerEpoch),
      lr,
      loss,
      gradientNorm,
      updated,
      images: micro.reduce((sum, { indices }) => sum + indices.length, 0),
      elapsedMs: performance.now() - start,
      dataWaitMs,
    };
  }

  /** Adds the gradient of one micro-batch, and returns its share of the loss. */
  private learn(make: () => LabelledBatch, iteration: number, micro: number): number {
    const { accumulate, recompute, seed, dropPath: rate } = this.settings;
    const dropPath: DropPath = rate > 0 ? dropPathPerSample(new Rng(seed, DROP_STREAM, iteration, micro)) : null;
    return step(() => {
      const { images, targets } = make();
      const logits = phase("forward", () => this.model.forward(images, { dropPath, recompute }));
      const scale = 1 / (accumulate * images.shape[0]);
      const loss = softCrossEntropy(logits, targets, { scale });
      phase("backward", () => loss.backward());
      return loss.item();
    });
  }

  /** The tensors of a checkpoint; live, to be written before the next step. */
  state(): FinetuneState<StateTensor> {
    return {
      iteration: this.next,
      model: this.model.stateDict(),
      ema: this.averaged()?.stateDict() ?? null,
      optimizer: this.optimizer.stateDict(),
    };
  }

  /**
   * The moving average as a network to use: its running statistics, where there are any, are those of the model.
   *
   * @returns null without a moving average
   */
  averaged(): Classifier | null {
    if (!this.ema) return null;
    const parameters = new Set<Tensor>(this.ema.parameters());
    const own = this.model.stateDict();
    for (const [name, x] of this.ema.namedTensors()) if (!parameters.has(x)) x.write(own.get(name)!.toArray());
    return this.ema;
  }

  /** Continues from a saved state. @throws ConfigError listing every entry that does not fit the settings */
  restore(saved: FinetuneState<SavedTensor>): void {
    try {
      this.model.loadStateDict(saved.model);
      if (this.ema) this.ema.loadStateDict(saved.ema ?? new Map());
      this.optimizer.loadStateDict(saved.optimizer);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new ConfigError(`the checkpoint does not fit the settings. ${error.message}`, { cause: error });
    }
    this.next = saved.iteration;
    this.close();
  }

  /** Ends the reading of images; nothing is told about them any more. A further step begins it anew. */
  close(): void {
    this.feed.close();
  }

  /** Gives the memory of the run back. */
  dispose(): void {
    this.close();
    this.model.dispose();
    this.ema?.dispose();
    this.optimizer.dispose();
    this.maker.dispose();
  }

  private openFeed(): BatchFeed {
    const { batch: batchSize, seed, accumulate, augRepeats: repeats } = this.settings;
    const { inputs, targets } = this.maker;
    const { strict, onWarning, workers = usualWorkers(this.source) } = this.options;
    return new BatchFeed(this.source, {
      ...{ batchSize, seed, repeats, channels: this.spec.channels as 1 | 3, inputs, targets, held: accumulate },
      ...{ workers, strict, onWarning: (message) => onWarning?.(message) },
    });
  }
}

/** Statistics of one image say where it is bright, not how the channel is spread over images. */
function refuseBatchOfOne(spec: EncoderSpec, batch: number): void {
  if (batch > 1 || spec.family !== "resnet" || spec.norm !== "batch") return;
  throw new ConfigError(
    "finetune: batch is 1, and this ResNet has batch normalisation, whose statistics need more images at once than one; " +
      "accumulating does not help. Use a batch of at least 2, better 16.",
  );
}

function planOf({ epochs, batch, accumulate, lr, lrBatch }: FinetuneSettings, images: number): FinetunePlan {
  const perPass = batchesPerPass({ length: images, batchSize: batch, dropLast: true });
  const iterationsPerEpoch = Math.max(1, Math.floor(perPass / accumulate));
  const imagesPerStep = batch * accumulate;
  return {
    iterationsPerEpoch,
    totalIterations: Math.max(1, Math.round(epochs * iterationsPerEpoch)),
    imagesPerStep,
    peakLearningRate: lrBatch === null ? lr : (lr * imagesPerStep) / lrBatch,
  };
}

function scheduleOf({ epochs, scheduleEpochs, warmupEpochs, minLr }: FinetuneSettings, plan: FinetunePlan): Schedule {
  const inIterations = (count: number) => Math.round(count * plan.iterationsPerEpoch);
  return cosineSchedule({
    base: plan.peakLearningRate,
    final: minLr,
    total: Math.max(plan.totalIterations, inIterations(scheduleEpochs ?? epochs)),
    warmup: Math.min(plan.totalIterations, inIterations(warmupEpochs ?? WARMUP_SHARE * epochs)),
  });
}
