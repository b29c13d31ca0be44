import { scope, step } from "../autograd/tape.js";
import { ConfigError, ShapeError } from "../errors.js";
import { constant, normal } from "../nn/init.js";
import { concatRows } from "../ops/concat.js";
import { crossEntropy } from "../ops/cross-entropy.js";
import { scale } from "../ops/elementwise.js";
import { linear } from "../ops/linear.js";
import { loadOptimizerState, type SavedTensor } from "../optim/optimizer-state.js";
import type { ParameterGroup } from "../optim/parameter-group.js";
import { cosineSchedule, type Schedule } from "../optim/schedule.js";
import { Sgd } from "../optim/sgd.js";
import { Rng } from "../tensor/random.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import type { LinearInput } from "./linear-inputs.js";

/** Keeps the initial weights apart from other uses of a seed: "prob" in ASCII. */
const STREAM = 0x70726f62;
/** Standard deviation of the initial weights. */
const WEIGHT_STD = 0.01;
const MOMENTUM = 0.9;
/** Images per batch to which the learning rates of the grid belong. */
const LR_BATCH = 256;
/** Rows whose scores are computed at a time. */
const ROWS = 512;

/** The learning rates of the grid (spec §7.2), for batches of 256. */
export const PROBE_LEARNING_RATES: readonly number[] = [
  ...[1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4],
  ...[1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1],
];

/** The grid of classifiers, and how it is trained. */
export interface LinearProbeOptions {
  /** Kinds of input, as ranges of the columns of a row. */
  readonly inputs: readonly LinearInput[];
  readonly classes: number;
  /** Steps over which the learning rates fall to 0 on a cosine. */
  readonly iterations: number;
  /** Images per step; learning rates are those of the grid × batchSize / 256. */
  readonly batchSize: number;
  readonly learningRates?: readonly number[];
  /** Of the initial weights. Default 0. */
  readonly seed?: number;
}

/** One linear classifier of a probe. */
export interface ProbeClassifier {
  readonly input: LinearInput;
  /** Of the grid, before it is scaled by the batch size. */
  readonly learningRate: number;
  /** [classes, input.length] */
  readonly weight: Tensor;
  /** [classes] */
  readonly bias: Tensor;
}

/** The classifiers that read the same columns: their weights stand one below the other in one product. */
interface Bank {
  readonly input: LinearInput;
  readonly members: readonly ProbeClassifier[];
}

/**
 * Linear classifiers for every kind of input and every learning rate, trained together on the sum of their cross-entropies
 * (spec §7.2): SGD with momentum 0.9 and without weight decay; weights start as N(0, 0.01²), biases as 0. No classifier
 * sees another, so each learns as it would alone.
 */
export class LinearProbe {
  /** Input by input, and in each by the order of the learning rates. */
  readonly classifiers: readonly ProbeClassifier[];
  readonly options: LinearProbeOptions;
  private readonly banks: readonly Bank[];
  private readonly parameters: ReadonlyMap<string, Tensor>;
  private readonly optimizer: Sgd;
  private readonly schedule: Schedule;
  private next = 0;

  /** @throws ConfigError for numbers of classes, iterations or images that are not positive */
  constructor(options: LinearProbeOptions) {
    expectCounts(options);
    const { inputs, batchSize, iterations, learningRates = PROBE_LEARNING_RATES } = options;
    this.options = options;
    this.banks = inputs.map((input, i) => ({
      input,
      members: learningRates.map((learningRate, j) => newClassifier(options, { input, learningRate }, [i, j])),
    }));
    this.classifiers = this.banks.flatMap(({ members }) => members);
    const groups = this.classifiers.map(({ learningRate, weight, bias }): ParameterGroup => {
      const parameters = [weight, bias].map((tensor) => ({ name: tensor.name, tensor }));
      return { parameters, lrMultiplier: (learningRate * batchSize) / LR_BATCH, wdMultiplier: 0, isLastLayer: false };
    });
    this.parameters = new Map(groups.flatMap(({ parameters }) => parameters.map(({ name, tensor }) => [name, tensor])));
    this.optimizer = new Sgd(groups, { momentum: MOMENTUM });
    this.schedule = cosineSchedule({ base: 1, final: 0, total: iterations });
  }

  /** Steps done. */
  get iteration(): number {
    return this.next;
  }

  /** Whether all steps are done. */
  get finished(): boolean {
    return this.next >= this.options.iterations;
  }

  /**
   * One step of every classifier.
   *
   * @param rows  features [B, columns], B as in the options
   * @param labels  class of each row
   * @returns the sum of the classifiers' mean cross-entropies before the step, in nats
   * @throws ShapeError if rows or labels do not fit
   */
  step(rows: Tensor, labels: Int32Array): number {
    const { batchSize } = this.options;
    if (rows.shape[0] !== batchSize) {
      throw new ShapeError(`linear probe: rows are ${formatShape(rows.shape)}, expected ${batchSize} of them.`);
    }
    let total = 0;
    for (const bank of this.banks) {
      total += step(() => {
        const loss = this.loss(bank, rows, labels);
        loss.backward();
        return loss.item();
      });
    }
    this.optimizer.update({ lr: this.schedule(this.next) });
    this.next++;
    return total;
  }

  /**
   * The class of the highest score of every row by every classifier; equal scores go to the lower class.
   *
   * @param rows  features [N, columns]
   * @returns classes [N] of each classifier, in their order
   */
  predict(rows: Tensor): Int32Array[] {
    const [count] = rows.shape;
    const predictions = this.classifiers.map(() => new Int32Array(count));
    for (let first = 0; first < count; first += ROWS) {
      const part = rows.narrow(0, first, Math.min(ROWS, count - first));
      let classifier = 0;
      for (const bank of this.banks) {
        const scores = step(() => scope(() => bankScores(bank, part)).toArray()) as Float32Array;
        for (const i of bank.members.keys()) {
          this.highest(scores, { at: i, of: bank.members.length }, predictions[classifier++].subarray(first));
        }
      }
    }
    return predictions;
  }

  /** Weights, biases and velocities by name: with `iteration`, all there is to save. */
  stateDict(): Map<string, Tensor> {
    return new Map([...this.parameters, ...this.optimizer.stateDict()]);
  }

  /** Continues from a saved state. @throws ShapeError listing every entry that does not fit */
  loadStateDict(state: ReadonlyMap<string, SavedTensor>, iteration: number): void {
    loadOptimizerState("linear probe", this.stateDict(), state);
    this.next = iteration;
  }

  /** Gives the memory of all classifiers back. */
  dispose(): void {
    for (const x of this.parameters.values()) x.dispose();
    this.optimizer.dispose();
  }

  /** The members' mean cross-entropies, added up: each row of scores counts once for every member. */
  private loss(bank: Bank, rows: Tensor, labels: Int32Array): Tensor {
    const members = bank.members.length;
    const repeated = new Int32Array(labels.length * members);
    labels.forEach((label, row) => {
      repeated.fill(label, row * members, (row + 1) * members);
    });
    const scores = bankScores(bank, rows).reshape([rows.shape[0] * members, this.options.classes]);
    return scale(crossEntropy(scores, repeated), members);
  }

  /** Writes the class of the highest score of each row by the member `at` of a bank of `of`. */
  private highest(scores: Float32Array, { at, of }: { at: number; of: number }, classes: Int32Array): void {
    const count = this.options.classes;
    for (let row = 0; (row * of + at) * count < scores.length; row++) {
      const first = (row * of + at) * count;
      let best = 0;
      for (let c = 1; c < count; c++) if (scores[first + c] > scores[first + best]) best = c;
      classes[row] = best;
    }
  }
}

/** Scores of all members of a bank [B, members · classes]. */
function bankScores({ input, members }: Bank, rows: Tensor): Tensor {
  const weight = concatRows(members.map((member) => member.weight)); //          [members · classes, F]
  const bias = concatRows(members.map((member) => member.bias)).reshape([-1]);
  return linear(rows.narrow(1, input.first, input.length), weight, bias);
}

function newClassifier(
  { classes, seed = 0 }: LinearProbeOptions,
  { input, learningRate }: Pick<ProbeClassifier, "input" | "learningRate">,
  path: readonly number[],
): ProbeClassifier {
  const weight = normal([classes, input.length], WEIGHT_STD, new Rng(seed, STREAM, ...path));
  const bias = constant([classes], 0);
  const name = `layers${input.layers}${input.pooled ? "_pooled" : ""}.lr${learningRate}`;
  [weight.name, bias.name] = [`${name}.weight`, `${name}.bias`];
  return { input, learningRate, weight, bias };
}

function expectCounts({ classes, iterations, batchSize }: LinearProbeOptions): void {
  for (const [name, value] of Object.entries({ classes, iterations, batchSize })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new ConfigError(`linear probe: ${name} is ${value}, expected a whole number from 1 on.`);
  }
}
