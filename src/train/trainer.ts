import { BatchFeed, type FedBatch, usualWorkers } from "../data/batch-feed.js";
import type { ImageSource } from "../data/dataset.js";
import { batchesPerPass } from "../data/order.js";
import type { Network, SearchSpace } from "../elastic/space.js";
import { ConfigError, ShapeError } from "../errors.js";
import { type Encoder, specOf } from "../models/encoder.js";
import { Module } from "../nn/module.js";
import type { StateTensor } from "../optim/moments.js";
import { loadOptimizerState, type SavedTensor } from "../optim/optimizer-state.js";
import { buildState, CHANNELS, imageContract } from "../poa/build.js";
import type { Config } from "../poa/config-keys.js";
import { decisiveSettings, differingSettings, type Settings } from "../poa/decisive-settings.js";
import type { NonFiniteTensor } from "../poa/non-finite.js";
import { planRun, type RunPlan, searchSpace } from "../poa/plan.js";
import { NetworkSampler, type SamplerState } from "../poa/sampler.js";
import { type PoaState, poaStep } from "../poa/step.js";
import { alone, bytesOf, type Collective, gatherNumbers, gatherTexts } from "../runtime/collective.js";
import { phase } from "../runtime/profile.js";
import type { Tensor } from "../tensor/tensor.js";
import { type CachedSource, cachedSource, type OpenDiskCache } from "./cached-source.js";
import { plannedBytes } from "./checkpoint-size.js";
import { CollapseMonitor } from "./collapse.js";
import { BatchMaker } from "./crops.js";
import { refuseOversized } from "./estimate.js";
import { configOfRank, shareOf } from "./rank-share.js";
import { type Schedules, schedulesOf } from "./schedules.js";
import { stepSettings } from "./step-settings.js";
import { type TeacherHealth, TeacherWatch } from "./teacher-watch.js";

/** Prefixes of the published names of the running centres, of class and of patch targets. */
const CENTERINGS = ["dino_loss", "ibot_patch_loss"] as const;
const OF_A_CENTERING = new RegExp(`^(${CENTERINGS.join("|")})\\.`);

/** What one iteration has to tell. */
export interface StepReport {
  /** Number of the iteration, from 0. */
  readonly iteration: number;
  readonly lr: number;
  readonly lastLayerLr: number;
  readonly weightDecay: number;
  readonly momentum: number;
  readonly teacherTemperature: number;
  /** The objective. */
  readonly loss: number;
  /** Loss values under the published keys. */
  readonly losses: Readonly<Record<string, number>>;
  readonly gradientNorms: Readonly<Record<string, number>>;
  /** The elastic networks that were trained, by all ranks in their order. */
  readonly networks: readonly Network[];
  /** False if a loss or gradient was not finite; then no weight changed. */
  readonly updated: boolean;
  /** Of all ranks. */
  readonly images: number;
  /** Paths of the images, of a step that was not finite. */
  readonly culprits: readonly string[];
  /** Weights and gradients with such numbers, of the same. */
  readonly nonFinite: readonly NonFiniteTensor[];
  /** What the teacher said, of a step that was observed. */
  readonly health: TeacherHealth | null;
  /** Signs that the run has collapsed, each once in a run (train/collapse.ts). */
  readonly alarms: readonly string[];
  readonly elapsedMs: number;
  /** Time of it in which nothing was learned, since images were waited for or augmented on this thread. */
  readonly dataWaitMs: number;
}

/** Everything a run needs to continue exactly, as named tensors and plain numbers. */
export interface TrainerState {
  /** On which the weights depend. */
  readonly settings?: Settings;
  readonly iteration: number;
  readonly sampler: SamplerState;
  readonly student: ReadonlyMap<string, Tensor>;
  readonly teacher: ReadonlyMap<string, Tensor>;
  readonly optimizer: ReadonlyMap<string, StateTensor>;
}

/** The same, read back. */
export interface SavedTrainerState {
  /** Not in checkpoints of versions that did not save them. */
  readonly settings?: Settings;
  readonly iteration: number;
  readonly sampler: SamplerState;
  readonly student: ReadonlyMap<string, SavedTensor>;
  readonly teacher: ReadonlyMap<string, SavedTensor>;
  readonly optimizer: ReadonlyMap<string, SavedTensor>;
}

/** What happens on broken images and oddities. */
export interface TrainerOptions {
  /** Told once per broken image, sign of collapse and the like. */
  onWarning?: (message: string) => void;
  /** Stop at the first broken image. */
  strict?: boolean;
  /** How decoded images are kept with train.cache=disk (train/disk-cache.ts). */
  diskCache?: OpenDiskCache;
  /** Threads that decode and augment, 0 for none beside the calling one. Default: what `train.num_workers` says. */
  workers?: number;
  /** The processes that train together, each on its share of the images. Default this one alone. */
  ranks?: Collective;
}

/**
 * A POA run in memory: takes images, turns iterations into weights. Everything random is a function of the seed, the rank and
 * the iteration, so a restored trainer continues exactly. With several ranks all methods that train or share state are called on
 * each of them.
 */
export class Trainer {
  readonly config: Config;
  readonly plan: RunPlan;
  readonly space: SearchSpace;
  readonly model: PoaState;
  /** The training images of this rank. */
  readonly source: ImageSource;
  /** How many training images all ranks have. */
  readonly imageCount: number;
  readonly ranks: Collective;
  private readonly options: TrainerOptions;
  /** The config under which this rank draws. */
  private readonly own: Config;
  /** Of each rank. */
  private readonly samplers: readonly NetworkSampler[];
  private readonly schedules: Schedules;
  private readonly maker: BatchMaker;
  private readonly monitor: CollapseMonitor;
  private readonly cache: CachedSource;
  private readonly feed: BatchFeed;
  private next = 0;

  /**
   * @param config  a resolved config
   * @param source  the training images; labels are not used
   * @throws ConfigError, DataError if the two cannot work together
   */
  constructor(config: Config, source: ImageSource, options: TrainerOptions = {}) {
    refuseOversized(config);
    const { ranks = alone } = options;
    const { train, student } = config;
    this.config = config;
    this.own = configOfRank(config, ranks);
    this.ranks = ranks;
    this.imageCount = source.length;
    this.options = options;
    this.plan = planRun(config, { images: source.length, processes: ranks.size });
    const share = shareOf(source, train.seed, ranks);
    batchesPerPass({ length: share.length, batchSize: train.batch_size_per_gpu, dropLast: true });
    this.space = searchSpace(config);
    this.schedules = schedulesOf(config, this.plan);
    const draws = { networks: this.space.length, seed: train.seed, samplesPerStep: student.samples_per_step };
    this.samplers = Array.from({ length: ranks.size }, (_, rank) => new NetworkSampler({ ...draws, rank }));
    this.model = buildState(config, ranks);
    this.maker = new BatchMaker(this.own, { keepEmptyMasks: ranks.size > 1 });
    this.monitor = new CollapseMonitor(config, { from: this.plan.warmupIterations });
    this.cache = cachedSource(share, train, {
      diskCache: options.diskCache,
      reserveBytes: plannedBytes(this),
      onWarning: options.onWarning,
    });
    this.source = this.cache.source;
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

  /** Threads that decode and augment beside the calling one. */
  get workers(): number {
    return this.feed.workers;
  }

  /** Reasons by path of the images that could not be read so far. */
  get broken(): ReadonlyMap<string, string> {
    return this.feed.broken;
  }

  /**
   * The teacher's encoder, or a part of it, in place.
   *
   * @param network  "96x4", a well-known name, "full"
   * @throws ConfigError that lists the nearest networks
   */
  encoder(network = "full"): Encoder {
    const { width, depth } = this.space.parse(network);
    const backbone = this.model.teacher.backbone.slice({ width, depth });
    return { backbone, spec: specOf(backbone, imageContract(this.config)) };
  }

  /** Trains one iteration. @param options.observe  report in any case what the teacher said */
  async step({ observe = false } = {}): Promise<StepReport> {
    const watch = observe || (this.ranks.rank === 0 && this.monitor.wants(this.next)) ? new TeacherWatch() : null;
    const report = await phase("step", () => this.train(watch));
    const alarms = this.monitor.judge(report);
    for (const alarm of alarms) this.options.onWarning?.(alarm);
    return { ...report, alarms };
  }

  private async train(watch: TeacherWatch | null): Promise<Omit<StepReport, "alarms">> {
    const start = performance.now();
    const iteration = this.next;
    const { accumulate } = this.config.train;
    const micro: FedBatch[] = [];
    this.cache.open();
    for (let i = 0; i < accumulate; i++)
      micro.push(await phase("data", () => this.feed.read(iteration * accumulate + i)));
    let dataWaitMs = performance.now() - start;
    const make = (batch: FedBatch, i: number) => {
      const begin = performance.now();
      const made = this.maker.make(batch, iteration, i, iteration >= this.plan.ibotStart);
      dataWaitMs += performance.now() - begin;
      return made;
    };
    const networks = this.samplers.map((sampler) => sampler.next().map((id) => this.space.at(id)));
    const at = this.scheduleAt(iteration);
    const result = poaStep(
      this.model,
      micro.map((batch, i) => () => make(batch, i)),
      {
        ...at,
        ...stepSettings(this.own, this.model.student.backbone, { iteration, networks: networks[this.ranks.rank] }),
        observe: (view) => watch?.see(view),
      },
    );
    this.next++;
    const { loss, logged, gradientNorms, updated, nonFinite } = result;
    return {
      iteration,
      ...at,
      loss,
      losses: logged,
      gradientNorms,
      networks: networks.flat(),
      updated,
      images: this.ranks.size * micro.reduce((sum, { indices }) => sum + indices.length, 0),
      culprits: updated ? [] : this.pathsOf(micro),
      nonFinite,
      health: watch?.health() ?? null,
      elapsedMs: performance.now() - start,
      dataWaitMs,
    };
  }

  /** Where the images of a step are, on all ranks. */
  private pathsOf(micro: readonly FedBatch[]): string[] {
    const own = micro.flatMap(({ indices }) => [...indices].map((index) => this.source.path(index)));
    return gatherTexts(this.ranks, JSON.stringify(own)).flatMap((text) => JSON.parse(text) as string[]);
  }

  /** The tensors and numbers of a checkpoint; live, to be written before the next step. */
  state(): TrainerState {
    const { student, teacher, optimizer } = this.model;
    return {
      settings: decisiveSettings(this.config),
      iteration: this.next,
      sampler: this.samplers[0].state(), // every rank draws as often
      student: student.stateDict(),
      teacher: new Map([...teacher.stateDict(), ...this.centers()]),
      optimizer: optimizer.stateDict(),
    };
  }

  /** Continues from a saved state. @throws ConfigError listing every setting, or else every tensor, that differs */
  restore(saved: SavedTrainerState): void {
    this.expectSameSettings(saved);
    const { student, teacher, optimizer } = this.model;
    const ofTeacher = (centers: boolean) =>
      new Map([...saved.teacher].filter(([name]) => OF_A_CENTERING.test(name) === centers));
    expectFit("the checkpoint", () => {
      student.loadStateDict(saved.student);
      teacher.loadStateDict(ofTeacher(false));
      loadOptimizerState("centering", this.centers(), ofTeacher(true));
      optimizer.loadStateDict(saved.optimizer);
    });
    this.goTo(saved);
  }

  /** Takes weights, moments, centres and position over from rank 0. */
  shareState(): void {
    if (this.ranks.size === 1) return;
    const { iteration, sampler, student, teacher, optimizer } = this.state();
    const { seed, pass, position } = sampler;
    const [first] = gatherNumbers(this.ranks, [iteration, seed, pass, position]);
    for (const x of [student, teacher, optimizer].flatMap((tensors): StateTensor[] => [...tensors.values()])) {
      const values = x.toArray();
      this.ranks.broadcast(bytesOf(values));
      x.write(values);
    }
    this.goTo({ iteration: first[0], sampler: { seed: first[1], pass: first[2], position: first[3] } });
  }

  private goTo({ iteration, sampler }: Pick<TrainerState, "iteration" | "sampler">): void {
    for (const each of this.samplers) each.restore(sampler);
    this.next = iteration;
    this.close();
  }

  /** Ends the reading of images; nothing is told about them any more. A further step begins it anew. */
  close(): void {
    this.feed.close();
    this.cache.close();
  }

  /**
   * Starts from weights instead of random numbers: student and teacher alike. Only before the first step.
   *
   * @throws ConfigError listing every entry that does not fit the config
   */
  loadWeights(weights: ReadonlyMap<string, SavedTensor>): void {
    expectFit("the file of initial weights", () => {
      this.model.student.loadStateDict(weights);
      this.model.teacher.loadStateDict(weights);
    });
  }

  /** Gives the memory of the run back. */
  dispose(): void {
    this.close();
    this.model.student.dispose();
    this.model.teacher.dispose();
    this.model.optimizer.dispose();
    for (const center of this.centers().values()) center.dispose();
    this.maker.dispose();
  }

  private expectSameSettings({ settings }: SavedTrainerState): void {
    const differences = settings ? differingSettings(settings, this.config) : [];
    if (differences.length === 0) return;
    throw new ConfigError(
      `the checkpoint does not fit the config: ${differences.join("; ")}. ` +
        "Undo that, or begin a new run from these weights with --init.",
    );
  }

  /** Running means of softmax centring; none with Sinkhorn-Knopp. */
  private centers(): Map<string, Tensor> {
    const { classCentering, patchCentering } = this.model;
    const named = (prefix: string, list: readonly unknown[]) =>
      list.flatMap((centering, h): [string, Tensor][] =>
        centering instanceof Module
          ? [...centering.namedTensors()].map(([name, x]) => [`${prefix}.${name}_${h}`, x])
          : [],
      );
    const [ofClasses, ofPatches] = CENTERINGS;
    return new Map([...named(ofClasses, classCentering), ...named(ofPatches, patchCentering)]);
  }

  private scheduleAt(iteration: number) {
    const { lr, lastLayerLr, weightDecay, momentum, teacherTemperature } = this.schedules;
    return {
      lr: lr(iteration),
      lastLayerLr: lastLayerLr(iteration),
      weightDecay: weightDecay(iteration),
      momentum: momentum(iteration),
      teacherTemperature: teacherTemperature(iteration),
    };
  }

  private openFeed(): BatchFeed {
    const { batch_size_per_gpu: batchSize, seed, accumulate, num_workers } = this.own.train;
    const { inputs, targets } = this.maker;
    const { strict, onWarning, workers = usualWorkers(this.source, num_workers) } = this.options;
    return new BatchFeed(this.source, {
      ...{ batchSize, seed, channels: CHANNELS, inputs, targets, held: accumulate },
      ...{ workers, strict, onWarning: (message) => onWarning?.(message) },
      onDecoded: (decoded) => this.cache.keep(decoded),
    });
  }
}

/** Weights that do not fit the config are wrong use, not a fault of the program. */
function expectFit(what: string, load: () => void): void {
  try {
    load();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ConfigError(`${what} does not fit the config. ${error.message}`, { cause: error });
  }
}
