import { kernels } from "../runtime/launch.js";
import type { Tensor } from "../tensor/tensor.js";
import { loadOptimizerState, persistentZeros, type SavedTensor } from "./optimizer-state.js";
import {
  asGroups,
  type NamedParameter,
  type OptimizedParameters,
  type ParameterGroup,
  takeGradient,
} from "./parameter-group.js";

/** Rate, momentum and weight decay. */
export interface SgdOptions {
  /** Learning rate where `update` names none; default 1e-2. */
  lr?: number;
  /** Default 0, which needs no memory. */
  momentum?: number;
  /** Weight decay where `update` names none, added to the gradient; default 0. */
  weightDecay?: number;
}

/** A parameter with its velocity; null without momentum. */
interface Slot extends NamedParameter {
  readonly group: ParameterGroup;
  readonly velocity: Tensor | null;
}

/**
 * Gradient descent with momentum, as in PyTorch: g ← g + wd·p;  velocity ← momentum·velocity + g;  p ← p − lr·velocity.
 * A parameter without gradient is passed over.
 */
export class Sgd {
  readonly groups: readonly ParameterGroup[];
  private readonly slots: readonly Slot[];
  private readonly defaults: Required<SgdOptions>;

  /**
   * @param parameters  groups (optim/groups.ts), or tensors that form one group
   * @throws ConfigError for a parameter that comes twice or is a view
   */
  constructor(parameters: OptimizedParameters, options: SgdOptions = {}) {
    this.defaults = { lr: 1e-2, momentum: 0, weightDecay: 0, ...options };
    this.groups = asGroups("sgd", parameters);
    const moving = this.defaults.momentum !== 0;
    this.slots = this.groups.flatMap((group) =>
      group.parameters.map(({ name, tensor }) => {
        return { name, tensor, group, velocity: moving ? persistentZeros(tensor.shape) : null };
      }),
    );
  }

  /** Moves every parameter that has a gradient, and consumes the gradients. */
  update({
    lr = this.defaults.lr,
    lastLayerLr = lr,
    weightDecay = this.defaults.weightDecay,
  }: {
    lr?: number;
    lastLayerLr?: number;
    weightDecay?: number;
  } = {}): void {
    for (const { tensor, group, velocity } of this.slots) {
      const gradient = takeGradient(tensor);
      if (!gradient) continue;
      kernels.sgd_f32(
        tensor.numel,
        tensor.ptr,
        gradient.ptr,
        velocity ? velocity.ptr : gradient.ptr, // without momentum the velocity may take the place of the spent gradient
        (group.isLastLayer ? lastLayerLr : lr) * group.lrMultiplier,
        this.defaults.momentum,
        weightDecay * group.wdMultiplier,
        gradient.scale,
      );
    }
  }

  /** Forgets the gradients without an update. */
  discardGradients(): void {
    for (const { tensor } of this.slots) takeGradient(tensor);
  }

  /** Velocities by parameter name, under PyTorch's name momentum_buffer. */
  stateDict(): Map<string, Tensor> {
    return new Map(
      this.slots.flatMap(({ name, velocity }): [string, Tensor][] =>
        velocity ? [[`${name}.momentum_buffer`, velocity]] : [],
      ),
    );
  }

  /** Continues from a saved state. @throws ShapeError listing every entry that does not fit */
  loadStateDict(state: ReadonlyMap<string, SavedTensor>): void {
    loadOptimizerState("sgd", this.stateDict(), state);
  }

  /** Gives the memory of the velocities back. */
  dispose(): void {
    for (const x of this.stateDict().values()) x.dispose();
  }
}
