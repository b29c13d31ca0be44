import { openSource } from "../data/source-spec.js";
import { ConfigError, DataError } from "../errors.js";
import { extractFeatures } from "../eval/features.js";
import { type BundleDType, halvesOf } from "../export/dtype.js";
import type { Encoder } from "../models/encoder.js";
import { KNN_TEMPERATURE } from "../models/knn-vote.js";
import type { StoredBank, StoredHead } from "../models/stored-classifier.js";
import type { Call } from "./command.js";
import { extractionOptions } from "./labelled-data.js";
import { fittingHead } from "./linear-head.js";
import { positiveNumber } from "./numbers.js";
import type { Output } from "./output.js";

/** Options of a verb that saves a classifier beside an encoder. */
export const classifierOptions = {
  bank: {
    value: "SPEC",
    about: "edge: labelled images that `classify` lets vote; train split unless #split says else",
  },
  k: { value: "N", about: "edge: how many of the bank vote (default 20)" },
  temperature: { value: "T", about: `edge: of the vote: weights are softmax(cosine / T) (default ${KNN_TEMPERATURE})` },
  head: { value: "FILE", about: "edge: the linear classifier that `classify` uses, from `poa eval linear --out`" },
} as const;

export const classifierOptionNames = Object.keys(classifierOptions) as (keyof typeof classifierOptions)[];

/**
 * What `--bank` or `--head` names, for a bundle. Features of a bank are those of the encoder as it is stored, in f32 beside
 * f32 weights, else in f16.
 *
 * @throws ConfigError if both are given; DataError if images have no labels, or the head is of another network
 */
export async function classifierFor(
  call: Call,
  output: Output,
  { encoder, dtype }: { encoder: Encoder; dtype: BundleDType },
): Promise<StoredBank | StoredHead | undefined> {
  const [bank, head] = [call.text("bank"), call.text("head")];
  if (bank !== undefined && head !== undefined)
    throw new ConfigError("export: --bank and --head are given, and a bundle has one classifier. Leave one out.");
  const ofBank = (["k", "temperature"] as const).find((name) => call.text(name) !== undefined);
  if (bank === undefined && ofBank)
    throw new ConfigError(`export: --${ofBank} is about the vote of a bank. Name its images with --bank.`);
  if (head !== undefined) return fittingHead(head, encoder);
  if (bank === undefined) return undefined;
  const source = await openSource(bank, { split: "train" });
  if (!source.labels)
    throw new DataError(`export: ${source.name} has no labels. Put images into one folder per class.`);
  const { features, labels } = await extractFeatures(source, encoder, extractionOptions(call, output, "bank"));
  const values = features.toArray() as Float32Array;
  const { shape } = features;
  features.dispose();
  if (labels.length === 0) throw new DataError(`export: ${source.name} has no image that can be read.`);
  const wide = dtype === "f32";
  return {
    classes: source.classes,
    k: call.integer("k", 1) ?? 20,
    temperature: positiveNumber("export", "temperature", call.text("temperature") ?? String(KNN_TEMPERATURE)),
    features: wide ? { dtype: "F32", shape, data: values } : { dtype: "F16", shape, data: halvesOf("bank", values) },
    labels,
  };
}
