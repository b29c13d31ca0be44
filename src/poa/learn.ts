import { step } from "../autograd/tape.js";
import type { DropPath } from "../nn/drop-path.js";
import { scale } from "../ops/elementwise.js";
import { type Collective, sumNumbers } from "../runtime/collective.js";
import { phase } from "../runtime/profile.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Branch, Logits } from "./branch.js";
import { globalObjective, type Lesson, localObjective, type Objective, type Role } from "./objective.js";

/** The objective and its parts under the published keys. */
export interface LossValues {
  readonly loss: number;
  readonly logged: Record<string, number>;
}

/**
 * One student learns from its crops: forward, objective, backward for global crops, then for local ones, so that the
 * activations of one pass are held at a time.
 *
 * @returns the values of its losses, and its logits as plain values
 */
export function learn(
  student: Branch,
  role: Role,
  { share, dropPath, ...lesson }: Lesson & { share: number; dropPath: DropPath },
): LossValues & { logits: Logits } {
  const { locals } = lesson.batch;
  const global = differentiate(share, () => {
    const output = student.forwardGlobal(lesson.batch, dropPath);
    return [output.logits, phase("objective", () => globalObjective(lesson, output, role))];
  });
  if (!locals) return { ...global, logits: { global: global.logits, local: [] } };
  const local = differentiate(share, () => {
    const logits = student.forwardLocal(locals, dropPath);
    return [logits, phase("objective", () => localObjective(lesson, logits, role))];
  });
  return { ...total([global, local]), logits: { global: global.logits, local: local.logits } };
}

/** Adds the gradient of one pass to that of the weights, and gives all but the logits back. */
function differentiate(
  share: number,
  pass: () => [readonly Tensor[], Objective],
): LossValues & { logits: readonly Tensor[] } {
  return step(() => {
    const [logits, { loss, logged }] = pass();
    phase("backward", () => scale(loss, share).backward());
    return { logits, loss: loss.item(), logged };
  });
}

/** Sums of loss values, times weight. */
export function total(parts: readonly LossValues[], weight = 1): LossValues {
  const logged: Record<string, number> = {};
  let loss = 0;
  for (const part of parts) {
    loss += weight * part.loss;
    for (const key in part.logged) logged[key] = (logged[key] ?? 0) + weight * part.logged[key];
  }
  return { loss, logged };
}

/** Means of loss values over the ranks, which have the same keys: not finite as soon as those of one rank are not. */
export function meanOverRanks({ loss, logged }: LossValues, ranks: Collective): LossValues {
  if (ranks.size === 1) return { loss, logged };
  const [mean, ...means] = sumNumbers(ranks, [loss, ...Object.values(logged)]).map((sum) => sum / ranks.size);
  return { loss: mean, logged: Object.fromEntries(Object.keys(logged).map((key, i) => [key, means[i]])) };
}
