import type { ImageSource } from "../data/dataset.js";
import { DataError } from "../errors.js";
import type { Classifier } from "../models/classifier.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { extractFeatures, type FeatureOptions } from "./features.js";

/** What a classifier says about labelled images. */
export interface Classification {
  /** Share of images whose label got the largest logit. */
  readonly top1: number;
  /** 1 where it did, else 0, for each readable image. */
  readonly correct: Uint8Array;
  /** The class with the largest logit, the first of equal ones. */
  readonly answers: Int32Array;
  readonly labels: Int32Array;
}

/**
 * Asks a classifier about every readable image of a source, prepared as for k-NN: nothing random.
 *
 * @param spec  how images must look at its door
 * @throws DataError if the source has no labels, or no image can be read
 */
export async function classify(
  source: ImageSource,
  model: Classifier,
  spec: EncoderSpec,
  options: Omit<FeatureOptions, "normalize"> = {},
): Promise<Classification> {
  if (!source.labels) throw new DataError(`${source.name} has no labels. Put images into one folder per class.`);
  const { classes } = model;
  const network = { spec, backbone: { featureDim: classes, classToken: model.forward.bind(model) } };
  const { features, labels } = await extractFeatures(source, network, { ...options, normalize: false });
  const logits = features.toArray();
  features.dispose();
  if (labels.length === 0) throw new DataError(`${source.name} has no image that can be read.`);
  const answers = Int32Array.from({ length: labels.length }, (_, i) => largest(logits, i * classes, classes));
  const correct = Uint8Array.from(answers, (answer, i) => Number(answer === labels[i]));
  const top1 = correct.reduce((sum, one) => sum + one, 0) / correct.length;
  return { top1, correct, answers, labels };
}

/** Place of the largest of `count` numbers from `from` on, counted from there. */
function largest(numbers: ArrayLike<number>, from: number, count: number): number {
  let place = 0;
  for (let k = 1; k < count; k++) if (numbers[from + k] > numbers[from + place]) place = k;
  return place;
}
