import { step } from "../../autograd/tape.js";
import type { DetectionSource } from "../../data/detection.js";
import { batches, type ImageBatch } from "../../data/loader.js";
import { memoryCache } from "../../data/memory-cache.js";
import { ConfigError, DataError, NumericError } from "../../errors.js";
import type { Encoder } from "../../models/encoder.js";
import { dropPathPerSample } from "../../nn/drop-path.js";
import { AdamW } from "../../optim/adamw.js";
import { clipGradients } from "../../optim/clip.js";
import { parameterGroups } from "../../optim/groups.js";
import { stepSchedule } from "../../optim/schedule.js";
import { Rng } from "../../tensor/random.js";
import { Detector, type DetectorOptions } from "./detector.js";
import { ImageBatcher } from "./image-batch.js";
import { detectionLoss } from "./loss.js";
import { detectionTargets } from "./targets.js";
import { drawShortSide, drawView, objectsInView, type ViewPolicy } from "./view.js";

/** Keeps the draws apart from other uses of a seed: "dete" in ASCII. */
const STREAM = 0x64657465;
const [START, SHORT_SIDE, VIEW, DROP] = [0, 1, 2, 3];

/** Passes over the data where nothing else is said, and after how many of them the learning rate falls (spec §7.5). */
const EPOCHS = 36;
const FALLS = [27, 33];
const LONGEST_WARMUP = 500;
/** Largest norm of all gradients together; ordinary steps stay below. */
const MOST_GRADIENT = 35;
const CACHE_BYTES = 512 * 2 ** 20;

/** How a detector is trained. */
export interface DetectorTrainingOptions extends Omit<DetectorOptions, "classes" | "rng"> {
  /** Default 36 passes over the images. */
  readonly iterations?: number;
  /** Images of a step. Default 8. */
  readonly batchSize?: number;
  /** Learning rate after the warm-up. Default 1e-3, for a tuned backbone 3e-4 (spec §7.5, ViT-S). */
  readonly lr?: number;
  /** Default 0.05. */
  readonly weightDecay?: number;
  /** Of a tuned backbone: a layer's learning rate is this times that of the layer above. Default 0.7. */
  readonly layerDecay?: number;
  /** Factor of the GIoU loss. Default 2; the two-stage detector of spec §7.5, which averages otherwise, has 10. */
  readonly boxWeight?: number;
  /** Least and greatest short side while training as a share of `shortSide`. Default 0.6 and 1 (480 to 800 pixels of 800). */
  readonly scales?: readonly [number, number];
  /** Probability that a window of the image is cut out, of half to all of each side. Default 0.5. */
  readonly cropProbability?: number;
  /** Probability that left and right are exchanged. Default 0.5. */
  readonly flipProbability?: number;
  readonly seed?: number;
  /** Stop at the first broken image instead of taking another in its place. */
  readonly strict?: boolean;
  /** Told after every step. */
  readonly onStep?: (report: DetectorStep) => void;
  /** Told once per broken image. */
  readonly onWarning?: (message: string) => void;
}

/** What a step did; the losses as they are, without their weights. */
export interface DetectorStep {
  /** Counted from 1. */
  readonly iteration: number;
  readonly iterations: number;
  readonly lr: number;
  readonly loss: number;
  readonly classLoss: number;
  readonly boxLoss: number;
  readonly centrenessLoss: number;
}

/**
 * Trains a detector on the features of an encoder (spec §7.5, with a one-stage head): AdamW, a linear warm-up, two falls of the
 * learning rate to a tenth, images at varying size, cut and mirrored. A function of source, encoder, options and seed.
 *
 * @returns the detector; dispose of it
 * @throws ConfigError for settings out of range, NumericError if the loss is not finite, DataError if there is no object at all,
 *   and as `batches`
 */
export async function trainDetector(
  source: DetectionSource,
  encoder: Encoder,
  options: DetectorTrainingOptions,
): Promise<Detector> {
  const { seed = 0, batchSize = 8, weightDecay = 0.05, layerDecay = 0.7, strict = false } = options;
  const lr = options.lr ?? (options.tuneBackbone ? 3e-4 : 1e-3);
  const iterations = options.iterations ?? Math.ceil((EPOCHS * source.length) / batchSize);
  if (source.classes.length === 0) throw new DataError(`detector: there is no object on the images of ${source.name}.`);
  const policy = policyOf(options);
  const detector = new Detector(encoder, {
    ...options,
    classes: source.classes.length,
    rng: new Rng(seed, STREAM, START),
  });
  const batcher = new ImageBatcher(encoder.spec);
  const optimizer = new AdamW(parameterGroups(detector, { layerwiseDecay: layerDecay }), { weightDecay });
  const rate = stepSchedule({
    base: lr,
    milestones: FALLS.map((epochs) => Math.round((epochs / EPOCHS) * iterations)),
    warmup: Math.min(LONGEST_WARMUP, Math.floor(iterations / 10)),
    start: lr / 1000,
  });
  const stream = batches(memoryCache(source, CACHE_BYTES), {
    batchSize: Math.min(batchSize, source.length),
    seed,
    channels: encoder.spec.channels as 1 | 3,
    broken: strict ? "throw" : "replace",
    onWarning: options.onWarning,
  });
  try {
    for await (const batch of stream) {
      if (batch.iteration >= iterations) break;
      const losses = learn(batch, { source, detector, batcher, policy, seed, boxWeight: options.boxWeight ?? 2 });
      if (!Number.isFinite(losses.loss)) {
        throw new NumericError(
          `detector: the loss of step ${batch.iteration + 1} is ${losses.loss}. Lower the learning rate.`,
        );
      }
      clipGradients(detector, MOST_GRADIENT);
      const now = rate(batch.iteration);
      optimizer.update({ lr: now });
      options.onStep?.({ ...losses, iteration: batch.iteration + 1, iterations, lr: now });
    }
  } catch (error) {
    detector.dispose();
    throw error;
  } finally {
    optimizer.dispose();
    batcher.dispose();
  }
  return detector;
}

function policyOf(options: DetectorTrainingOptions): ViewPolicy {
  const { shortSide, scales = [0.6, 1], cropProbability = 0.5, flipProbability = 0.5 } = options;
  if (!(scales[0] > 0 && scales[0] <= scales[1])) {
    throw new ConfigError(`detector: scales are ${scales.join(" to ")}, expected two rising numbers above 0.`);
  }
  return { shortSides: [scales[0] * shortSide, scales[1] * shortSide], cropProbability, flipProbability };
}

interface Lesson {
  readonly source: DetectionSource;
  readonly detector: Detector;
  readonly batcher: ImageBatcher;
  readonly policy: ViewPolicy;
  readonly seed: number;
  readonly boxWeight: number;
}

/** Forward and backward pass of one batch. */
function learn({ iteration, images, indices }: ImageBatch, lesson: Lesson) {
  const { source, detector, batcher, policy, seed, boxWeight } = lesson;
  const shortSide = drawShortSide(new Rng(seed, STREAM, SHORT_SIDE, iteration), policy);
  const views = images.map((image, i) => {
    const rng = new Rng(seed, STREAM, VIEW, iteration, i);
    return drawView(rng, { image, objects: source.objects(indices[i]) }, { policy, shortSide });
  });
  const dropPath = dropPathPerSample(new Rng(seed, STREAM, DROP, iteration));
  const scenes = views.map((view, i) => objectsInView(source.objects(indices[i]), view));
  return step(() => {
    const shown = images.map((image, i) => ({ image, view: views[i] }));
    const { points, predictions } = detector.forward(batcher.batch(shown, detector.multiple), { dropPath });
    const { total, classes, boxes, centreness } = detectionLoss(predictions, detectionTargets(points, scenes), {
      boxWeight,
    });
    const losses = {
      loss: total.item(),
      classLoss: classes.item(),
      boxLoss: boxes?.item() ?? 0,
      centrenessLoss: centreness?.item() ?? 0,
    };
    total.backward();
    return losses;
  });
}
