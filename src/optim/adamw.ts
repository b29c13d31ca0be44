import { kernels } from "../runtime/launch.js";
import { persistent } from "../tensor/create.js";
import { powInt } from "../tensor/math.js";
import type { Tensor } from "../tensor/tensor.js";
import { type Following, follow, parameterPairs } from "./ema.js";
import { hostMoments, type Moments, memoryMoments, type StateTensor } from "./moments.js";
import { loadOptimizerState, type SavedTensor } from "./optimizer-state.js";
import {
  asGroups,
  type NamedParameter,
  type OptimizedParameters,
  type ParameterGroup,
  takeGradient,
} from "./parameter-group.js";

export interface AdamWOptions {
  /** Learning rate where `update` names none; default 1e-3. */
  lr?: number;
  /** Weight decay where `update` names none; default 0.01. */
  weightDecay?: number;
  beta1?: number;
  beta2?: number;
  eps?: number;
  /** Where the moments live: in linear memory, or as ordinary arrays outside of it, with the same bits. Default "memory". */
  moments?: "memory" | "host";
}

export interface AdamWSettings {
  lr?: number;
  /** Of groups marked as last layer; default lr. */
  lastLayerLr?: number;
  weightDecay?: number;
}

/** The moments of a parameter and the number of its updates. */
interface Slot extends NamedParameter {
  readonly group: ParameterGroup;
  readonly moments: Moments;
  /** i32 scalar, so that checkpoints hold it like the rest. */
  readonly step: Tensor;
}

/**
 * AdamW (Loshchilov, Hutter, "Decoupled weight decay regularization", 2019), as in PyTorch:
 * p ← p (1 − lr·wd);  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;  p ← p − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε).
 * t counts the updates of each parameter on its own: a parameter without gradient is passed over, its moments and its
 * weight stay as they are.
 */
export class AdamW {
  readonly groups: readonly ParameterGroup[];
  private readonly slots: readonly Slot[];
  private readonly defaults: Required<AdamWOptions>;

  /**
   * @param parameters  groups (optim/groups.ts), or tensors that form one group
   * @throws ConfigError for a parameter that comes twice or is a view
   */
  constructor(parameters: OptimizedParameters, options: AdamWOptions = {}) {
    this.defaults = { lr: 1e-3, weightDecay: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, moments: "memory", ...options };
    this.groups = asGroups("adamw", parameters);
    this.slots = this.groups.flatMap((group) =>
      group.parameters.map((parameter) => slotOf(group, parameter, this.defaults.moments)),
    );
  }

  /**
   * Moves every parameter that has a gradient, and consumes the gradients. A teacher that follows moves in the same pass over
   * memory, to the bits of `ema` after the update; where the student has no gradient it moves too.
   *
   * @throws ShapeError if teacher and student have different parameters; nothing has moved then
   */
  update(
    { lr = this.defaults.lr, lastLayerLr = lr, weightDecay = this.defaults.weightDecay }: AdamWSettings = {},
    following: Following | null = null,
  ): void {
    const pairs = following ? parameterPairs(following.teacher, following.student) : [];
    const targets = new Map(pairs.map(([target, source]) => [source.ptr, target]));
    const oneMinusMomentum = 1 - (following?.momentum ?? 1);
    const moved = new Set<Tensor>();
    const { beta1, beta2, eps } = this.defaults;
    const biases = new Map<number, { bias1: number; inverseRootBias2: number }>();
    for (const { tensor, group, moments, step } of this.slots) {
      const gradient = takeGradient(tensor);
      if (!gradient) continue;
      const t = step.item() + 1;
      step.write([t]);
      const bias = biases.get(t) ?? {
        bias1: 1 - powInt(beta1, t),
        inverseRootBias2: 1 / Math.sqrt(1 - powInt(beta2, t)),
      };
      biases.set(t, bias);
      const rate = (group.isLastLayer ? lastLayerLr : lr) * group.lrMultiplier;
      const target = targets.get(tensor.ptr);
      if (target) moved.add(target);
      moments.update(({ first, count, mean, square }) =>
        kernels.adamw_f32(
          count,
          tensor.ptr + 4 * first,
          gradient.ptr + 4 * first,
          mean,
          square,
          rate * weightDecay * group.wdMultiplier,
          rate / bias.bias1,
          1 - beta1,
          1 - beta2,
          eps,
          bias.inverseRootBias2,
          gradient.scale,
          target ? target.ptr + 4 * first : 0,
          oneMinusMomentum,
        ),
      );
    }
    for (const [target, source] of pairs) if (!moved.has(target)) follow(target, source, oneMinusMomentum);
  }

  /** Forgets the gradients without an update. */
  discardGradients(): void {
    for (const { tensor } of this.slots) takeGradient(tensor);
  }

  /** Moments and step counts by parameter name, under PyTorch's names: exp_avg, exp_avg_sq, step. */
  stateDict(): Map<string, StateTensor> {
    return new Map(
      this.slots.flatMap(({ name, moments, step }): [string, StateTensor][] => [
        [`${name}.exp_avg`, moments.mean],
        [`${name}.exp_avg_sq`, moments.square],
        [`${name}.step`, step],
      ]),
    );
  }

  /** Continues from a saved state. @throws ShapeError listing every entry that does not fit */
  loadStateDict(state: ReadonlyMap<string, SavedTensor>): void {
    loadOptimizerState("adamw", this.stateDict(), state);
  }

  /** Gives the memory of the moments back. */
  dispose(): void {
    for (const x of this.stateDict().values()) x.dispose();
  }
}

function slotOf(
  group: ParameterGroup,
  { name, tensor }: NamedParameter,
  where: Required<AdamWOptions>["moments"],
): Slot {
  const step = persistent([], "i32");
  step.write([0]);
  return {
    name,
    tensor,
    group,
    moments: where === "host" ? hostMoments(tensor.shape) : memoryMoments(tensor.shape),
    step,
  };
}
