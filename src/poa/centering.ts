import { buffer, Module } from "../nn/module.js";
import { moveCenter } from "../ops/center.js";
import { sinkhornKnopp } from "../ops/sinkhorn.js";
import { softmax } from "../ops/softmax.js";
import { alone, type Collective } from "../runtime/collective.js";
import { persistent } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";

/**
 * How a teacher's logits [R, K] of one head become targets whose rows sum to 1 (spec §4.1). The statistics are those of the rows
 * of all ranks, so every rank asks for targets, also where it has no row.
 */
export interface Centering {
  /** Targets [R, K] of logits [R, K]. */
  targets(logits: Tensor, temperature: number): Tensor;
  /** Notes where it stands; calling the result goes back there. */
  mark(): () => void;
}

/** Sinkhorn-Knopp: prototypes share the batch evenly. */
export function sinkhornCentering(iterations: number, ranks: Collective = alone): Centering {
  return {
    targets: (logits, temperature) => sinkhornKnopp(logits, { temperature, iterations, ranks }),
    mark: () => () => {},
  };
}

const CENTER_MOMENTUM = 0.9;

/**
 * softmax((l − c)/τ) with a running mean c of the logits. c counts a batch only after its own targets are made, which is
 * the published order: the update of one call is applied at the next.
 */
export class SoftmaxCentering extends Module implements Centering {
  readonly center: Tensor;
  private readonly ranks: Collective;

  constructor(prototypes: number, ranks: Collective = alone) {
    super();
    this.ranks = ranks;
    this.center = buffer(persistent([prototypes]));
    this.center.write(new Float32Array(prototypes));
  }

  targets(logits: Tensor, temperature: number): Tensor {
    const targets = softmax(logits, { temperature, center: this.center });
    moveCenter(this.center, logits, CENTER_MOMENTUM, { ranks: this.ranks });
    return targets;
  }

  mark(): () => void {
    const center = this.center.toArray();
    return () => this.center.write(center);
  }
}
