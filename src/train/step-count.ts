import type { RawImage } from "../data/dataset.js";
import type { Network } from "../elastic/space.js";
import type { Backbone } from "../models/backbone.js";
import { buildState, CHANNELS } from "../poa/build.js";
import type { Config } from "../poa/config-keys.js";
import { searchSpace } from "../poa/plan.js";
import { type PoaState, poaStep } from "../poa/step.js";
import { Counter, type CounterOptions } from "../runtime/counting.js";
import { unfilled } from "../tensor/create.js";
import { BatchMaker } from "./crops.js";
import { stepSettings } from "./step-settings.js";

/** Width and height of an image in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** The memory of a run. */
export interface MemoryCount {
  /** Weights, gradients, moments, teacher, input slots: what linear memory holds from step to step. */
  readonly stateBytes: number;
  /** What the largest pass of a step adds: activations, their gradients, logits. */
  readonly activationBytes: number;
  /** To where linear memory grows. */
  readonly linearBytes: number;
  /** Moments outside of linear memory. */
  readonly hostBytes: number;
}

/** The work of a step, crops included and decoding not. */
export interface WorkCount {
  readonly multiplyAdds: number;
  /** Microseconds on one thread of the machine for which runtime/work.ts was written. */
  readonly serialUs: number;
  /** Calls of kernels. */
  readonly calls: number;
}

export interface CountOptions extends CounterOptions {
  /** A typical image. */
  readonly image: ImageSize;
}

/** Schedules do not matter to what a step takes. */
const SCHEDULES = { lr: 0, lastLayerLr: 0, weightDecay: 0, momentum: 1, teacherTemperature: 1 };

/**
 * The memory of a run, found by taking its steps where nothing is computed (runtime/counting.ts), with the code that takes the
 * real ones: as many masked patches as there may be, the largest elastic networks.
 *
 * @throws MemoryError if a step does not fit below the limit
 */
export function countMemory(config: Config, options: CountOptions): MemoryCount {
  return new CountedRun(config, options).memory();
}

/** The work of a step with elastic networks of average size, over all its micro-batches. */
export function countWork(config: Config, options: CountOptions): WorkCount {
  return new CountedRun(config, options).work();
}

const blank = ({ width, height }: ImageSize): RawImage => ({
  ...{ width, height, channels: CHANNELS },
  data: new Uint8Array(width * height * CHANNELS),
});

/** A run in a counter's runtime. */
class CountedRun {
  private readonly config: Config;
  private readonly counter: Counter;
  private readonly image: RawImage;
  private readonly model: PoaState;
  private readonly maker: BatchMaker;

  constructor(config: Config, { image, ...options }: CountOptions) {
    this.config = config;
    this.counter = new Counter(options);
    this.image = blank(image);
    // In the order of train/trainer.ts.
    this.model = this.counter.run(() => unfilled(() => buildState(config)));
    this.maker = this.counter.run(() => new BatchMaker(config));
  }

  memory(): MemoryCount {
    const { largest } = networksOf(this.config, this.model.student.backbone);
    // Before the patch loss begins memory is laid out for steps without masks.
    if (this.config.optim.ibot_activate_epochs > 0) this.step(largest, { masked: false });
    this.step(largest);
    const { persistentBytes, peakStepBytes, heapBytes, outsideBytes } = this.counter.bytes;
    return {
      stateBytes: persistentBytes,
      activationBytes: peakStepBytes,
      linearBytes: heapBytes,
      hostBytes: outsideBytes,
    };
  }

  work(): WorkCount {
    const { accumulate, batch_size_per_gpu: batch } = this.config.train;
    const { average } = networksOf(this.config, this.model.student.backbone);
    const one = this.step(average);
    const two = this.step(average, { microBatches: 2 });
    const crops = this.counted(() => this.maker.outline(this.image, true));
    // Each micro-batch has made the crops of one image only.
    const total = (of: keyof WorkCount) =>
      one[of] + (accumulate - 1) * (two[of] - one[of]) + accumulate * (batch - 1) * crops[of];
    return { multiplyAdds: total("multiplyAdds"), serialUs: total("serialUs"), calls: total("calls") };
  }

  private step(network: Network, { masked = true, microBatches = 1 } = {}): WorkCount {
    const { student, ibot } = this.config;
    const networks = new Array<Network>(student.samples_per_step).fill(network);
    const settings = stepSettings(this.config, this.model.student.backbone, { iteration: 0, networks });
    const makeBatch = () => this.maker.outline(this.image, masked && ibot.loss_weight > 0);
    return this.counted(() =>
      poaStep(this.model, new Array(microBatches).fill(makeBatch), { ...SCHEDULES, ...settings }),
    );
  }

  private counted(fn: () => unknown): WorkCount {
    const { multiplyAdds, serialUs, calls } = this.counter;
    this.counter.run(fn);
    return {
      multiplyAdds: this.counter.multiplyAdds - multiplyAdds,
      serialUs: this.counter.serialUs - serialUs,
      calls: this.counter.calls - calls,
    };
  }
}

/** Of the networks that are drawn: the one with the most multiply-adds, and the one nearest to the mean of the draws. */
function networksOf(config: Config, backbone: Backbone): { largest: Network; average: Network } {
  const space = searchSpace(config);
  const drawn = Array.from({ length: Math.max(1, space.length - 1) }, (_, id) => space.at(id));
  const side = config.crops.global_crops_size;
  const costs = new Map<string, number>();
  for (const network of drawn) {
    if (!costs.has(network.name)) costs.set(network.name, backbone.slice(network).multiplyAdds(side));
  }
  const cost = ({ name }: Network) => costs.get(name)!;
  const mean = drawn.reduce((sum, network) => sum + cost(network), 0) / drawn.length;
  const off = (network: Network) => Math.abs(cost(network) - mean);
  return {
    largest: drawn.reduce((a, b) => (cost(b) > cost(a) ? b : a)),
    average: drawn.reduce((a, b) => (off(b) < off(a) ? b : a)),
  };
}
