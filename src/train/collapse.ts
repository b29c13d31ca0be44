import type { Config } from "../poa/config-keys.js";
import { log } from "../tensor/math.js";
import type { HeadEntropy, TeacherHealth } from "./teacher-watch.js";

/** The teacher is looked at every so many steps, */
const EVERY = 10;
/** and a sign must be seen so many times in a row to count, since chance shows it for a while. */
const PATIENCE = 20;
/** Below this share of what targets can tell about the images of a step they tell nothing. */
const LEAST_INFORMATION = 0.002;
/** Below this share of 1/√F features are one. */
const LEAST_SPREAD = 0.02;
/** Within this share of ln K the loss is that of students that say nothing. */
const LOSS_BAND = 0.001;
/** Fewer images are too alike to tell anything: each has two crops that look the same to a good teacher. */
const LEAST_IMAGES = 4;

/** Ways in which a run stops to learn. */
type Sign = "uniform" | "onePrototype" | "features" | "loss";

/** What a step says about itself. */
export interface StepSigns {
  readonly iteration: number;
  /** Loss values under the published keys. */
  readonly losses: Readonly<Record<string, number>>;
  /** False if a loss was not finite. */
  readonly updated: boolean;
  /** null if nobody looked. */
  readonly health: TeacherHealth | null;
}

/**
 * Cross-entropy of the DINO loss, in nats and per pair of crops, as a share of ln K: 1 for students that say the same about every
 * crop when the targets are balanced. Mean over the heads and, by their weight in the objective, over the students.
 *
 * @param losses  of a step, under the published keys
 * @returns null where the loss has no weight
 */
export function lossOverLnK({ dino }: Config, losses: Readonly<Record<string, number>>): number | null {
  if (dino.loss_weight === 0) return null;
  const heads = dino.head_n_prototypes.map((prototypes, h) => {
    // Both keys are sums over their share of all pairs, divided by the number of all pairs.
    const logged = losses[`dino_global_crops_loss_${h}`] + (losses[`dino_local_crops_loss_${h}`] ?? 0);
    return logged / dino.loss_weight / log(prototypes);
  });
  return meanOf(heads);
}

/** Entropies of the teacher's targets as shares of ln K, means over the heads. */
export interface EntropyShares {
  /** Mean entropy of the targets: 1 if they are spread over all prototypes and say nothing, 0 if each has one. */
  readonly each: number;
  /** Entropy of the mean target: 0 if all have the same one. Sinkhorn-Knopp keeps it at 1. */
  readonly mean: number;
}

export function entropyShares({ heads }: TeacherHealth): EntropyShares {
  // Rows sum to 1 within rounding only.
  const share = (of: "each" | "mean") => meanOf(heads.map((head) => Math.min(1, head[of] / log(head.prototypes))));
  return { each: share("each"), mean: share("mean") };
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Tells when a run has collapsed, so that nothing is learned any more, and what can be done about it. */
export class CollapseMonitor {
  private readonly config: Config;
  private readonly from: number;
  private readonly every: number;
  private readonly patience: number;
  /** How often in a row each sign has been seen. */
  private readonly seen: Record<Sign, number> = { uniform: 0, onePrototype: 0, features: 0, loss: 0 };
  private readonly told = new Set<Sign>();

  /**
   * @param options.from  first step that is judged: the features of random networks, which the learning rate's warm-up hardly
   *   changes, are nearly the same too
   */
  constructor(config: Config, { from = 0, every = EVERY, patience = PATIENCE } = {}) {
    this.config = config;
    this.from = from;
    this.every = every;
    this.patience = patience;
  }

  /** Whether the step is to be looked at. */
  wants(iteration: number): boolean {
    return iteration >= this.from && iteration % this.every === 0;
  }

  /** @returns what has just become certain, a sentence each with a way out; every sign is told once in a run */
  judge(step: StepSigns): string[] {
    const { iteration, health, updated } = step;
    if (!health || !updated || !this.wants(iteration)) return [];
    const now = signsOf(this.config, step.losses, health);
    const alarms: string[] = [];
    for (const sign of Object.keys(this.seen) as Sign[]) {
      this.seen[sign] = now.has(sign) ? this.seen[sign] + 1 : 0;
      if (this.seen[sign] < this.patience || this.told.has(sign)) continue;
      this.told.add(sign);
      alarms.push(`step ${iteration}: ${this.message(sign, health)}`);
    }
    return alarms;
  }

  private message(sign: Sign, { heads, featureStd, featureDim }: TeacherHealth): string {
    const { teacher, train, optim } = this.config;
    const share = (x: number) => x.toPrecision(2);
    const temperature = `teacher.teacher_temp (${teacher.teacher_temp})`;
    switch (sign) {
      case "uniform":
        return (
          "collapse: the teacher's targets are spread over all prototypes alike, whatever the image " +
          `(their entropy is ${shares(heads, ({ each }) => each)} of ln K). Lower ${temperature} and ` +
          `teacher.warmup_teacher_temp (${teacher.warmup_teacher_temp}), and use fewer prototypes (dino.head_n_prototypes).`
        );
      case "onePrototype":
        return (
          "collapse: the teacher gives every image the same few prototypes " +
          `(the entropy of its mean target is ${shares(heads, ({ mean }) => mean)} of ln K). ` +
          `${train.centering === "sinkhorn_knopp" ? "" : "Set train.centering to sinkhorn_knopp. "}Raise ${temperature}, ` +
          `teacher.momentum_teacher (${teacher.momentum_teacher}) and the number of prototypes (dino.head_n_prototypes).`
        );
      case "features":
        return (
          "collapse: the features of all images are nearly the same (standard deviation of unit features " +
          `${share(featureStd)}, healthy near ${share(1 / Math.sqrt(featureDim))}). Lower the learning rate (${learningRate(optim)}), ` +
          "lengthen optim.warmup_epochs, raise dino.koleo_loss_weight, or start larger (student.init=fan_in)."
        );
      case "loss":
        return (
          `collapse: the DINO loss has stood at ln K for ${this.every * this.patience} steps, where the students say nothing. ` +
          `Lower ${temperature} for sharper targets, lower the learning rate (${learningRate(optim)}), lengthen optim.warmup_epochs, ` +
          "or start larger (student.init=fan_in)."
        );
    }
  }
}

/** "0.99, 0.98" */
const shares = (heads: readonly HeadEntropy[], entropy: (head: HeadEntropy) => number) =>
  heads.map((head) => (entropy(head) / log(head.prototypes)).toFixed(3)).join(", ");

const learningRate = ({ lr, base_lr }: Config["optim"]) => (lr > 0 ? `optim.lr ${lr}` : `optim.base_lr ${base_lr}`);

function signsOf(config: Config, losses: StepSigns["losses"], health: TeacherHealth): Set<Sign> {
  const signs = new Set<Sign>();
  const { heads, images, featureStd, featureDim } = health;
  const loss = lossOverLnK(config, losses);
  if (loss !== null && Math.abs(loss - 1) < LOSS_BAND) signs.add("loss");
  if (images < LEAST_IMAGES) return signs;
  if (featureStd * Math.sqrt(featureDim) < LEAST_SPREAD) signs.add("features");
  for (const { mean, each, prototypes } of heads) {
    // Mutual information of image and prototype; both crops of an image should have one target.
    const information = (mean - each) / log(Math.min(images, prototypes));
    if (information < LEAST_INFORMATION) signs.add(each > log(prototypes) / 2 ? "uniform" : "onePrototype");
  }
  return signs;
}
