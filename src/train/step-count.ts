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

/** What a run takes, counted. */
export interface StepCount {
  /** Weights, gradients, moments, teacher, input slots: what linear memory holds from step to step. */
  readonly stateBytes: number;
  /** What the largest pass of a step adds: activations, their gradients, logits. */
  readonly activationBytes: number;
  /** To where linear memory grows. */
  readonly linearBytes: number;
  /** Moments outside of linear memory. */
  readonly hostBytes: number;
  /** Of a step with elastic networks of average size, over all its micro-batches. */
  readonly multiplyAdds: number;
  /** Of the same, for one thread of the machine that the costs of runtime/work.ts were written down on, in microseconds. */
  readonly serialUs: number;
}

/** Schedules do not matter to what a step takes. */
const SCHEDULES = { lr: 0, lastLayerLr: 0, weightDecay: 0, momentum: 1, teacherTemperature: 1 };

/**
 * Takes steps of a run where nothing is computed (runtime/counting.ts), with the code that takes the real ones: as many
 * masked patches as there may be, the largest elastic networks.
 *
 * @param image  a typical image
 * @throws MemoryError if a step does not fit below the limit
 */
export function countStep(config: Config, options: CounterOptions & { image: ImageSize }): StepCount {
  const counter = new Counter(options);
  return counter.run(() => unfilled(() => new Run(config, counter, blank(options.image)).count()));
}

const blank = ({ width, height }: ImageSize): RawImage => ({
  ...{ width, height, channels: CHANNELS },
  data: new Uint8Array(width * height * CHANNELS),
});

interface Work {
  readonly multiplyAdds: number;
  readonly serialUs: number;
}

/** A run in a counter's runtime. */
class Run {
  private readonly config: Config;
  private readonly counter: Counter;
  private readonly image: RawImage;
  private readonly model: PoaState;
  private readonly maker: BatchMaker;

  constructor(config: Config, counter: Counter, image: RawImage) {
    this.config = config;
    this.counter = counter;
    this.image = image;
    this.model = buildState(config); // in the order of train/trainer.ts
    this.maker = new BatchMaker(config);
  }

  count(): StepCount {
    const { backbone } = this.model.student;
    const { largest, average } = networksOf(this.config, backbone);
    // Before the patch loss begins memory is laid out for steps without masks.
    if (this.config.optim.ibot_activate_epochs > 0) this.step(largest, { masked: false });
    this.step(largest);
    const { persistentBytes, peakStepBytes, heapBytes, outsideBytes } = this.counter.bytes;
    const { multiplyAdds, serialUs } = this.averageStep(average);
    return {
      stateBytes: persistentBytes,
      activationBytes: peakStepBytes,
      linearBytes: heapBytes,
      hostBytes: outsideBytes,
      multiplyAdds,
      serialUs,
    };
  }

  private averageStep(network: Network): Work {
    const { accumulate, batch_size_per_gpu: batch } = this.config.train;
    const one = this.step(network);
    const two = this.step(network, { microBatches: 2 });
    const crops = this.work(() => this.maker.outline(this.image, true));
    // A step makes the crops of one image per micro-batch here.
    const total = (of: keyof Work) =>
      one[of] + (accumulate - 1) * (two[of] - one[of]) + accumulate * (batch - 1) * crops[of];
    return { multiplyAdds: total("multiplyAdds"), serialUs: total("serialUs") };
  }

  private step(network: Network, { masked = true, microBatches = 1 } = {}): Work {
    const { samples_per_step } = this.config.student;
    const networks = new Array<Network>(samples_per_step).fill(network);
    const settings = stepSettings(this.config, this.model.student.backbone, { iteration: 0, networks });
    const makeBatch = () => this.maker.outline(this.image, masked && this.config.ibot.loss_weight > 0);
    return this.work(() => poaStep(this.model, new Array(microBatches).fill(makeBatch), { ...SCHEDULES, ...settings }));
  }

  private work(fn: () => unknown): Work {
    const { multiplyAdds, serialUs } = this.counter;
    fn();
    return { multiplyAdds: this.counter.multiplyAdds - multiplyAdds, serialUs: this.counter.serialUs - serialUs };
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
