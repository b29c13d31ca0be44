import { step } from "../autograd/tape.js";
import { type ImageSource, randomSplit, randomSubset } from "../data/dataset.js";
import { memoryCache } from "../data/memory-cache.js";
import { openSource, parseSourceSpec } from "../data/source-spec.js";
import { DataError } from "../errors.js";
import { knnAccuracy } from "../eval/knn.js";
import { labelledFeatures, sharedFeatures } from "../eval/shared-features.js";
import type { Encoder } from "../models/encoder.js";
import type { Config } from "../poa/config-keys.js";
import { Rng } from "../tensor/random.js";
import type { EvaluateTeacher, Evaluation, TeacherScores } from "../train/evaluation.js";
import { eventTurns } from "../train/event-turn.js";
import { FeatureSpread } from "../train/teacher-watch.js";
import { openBankAndQueries } from "./labelled-data.js";
import type { Output } from "./output.js";

const SETTING = "evaluation.knn";
const NEIGHBOURS = [10, 20];

/** Keeps the images that are drawn apart from other uses of a seed: "eval" in ASCII. The same ones for every run. */
const STREAM = 0x6576616c;

/** Share of images that are the bank where nobody has divided them. */
const BANK_SHARE = 0.8;

/** Bound on the decoded images kept from one evaluation to the next. */
const CACHE_BYTES = 2 ** 28;

/** Labelled images of the evaluations of a run. */
interface LabelledImages {
  readonly bank: ImageSource;
  readonly queries: ImageSource;
}

/**
 * How the teacher of a run is evaluated between its steps: k-NN accuracy on some of the labelled images that the config names.
 *
 * @returns undefined if it names none
 * @throws ConfigError, DataError if they cannot be opened or have no labels
 */
export async function trainingEvaluation({ evaluation }: Config, output: Output): Promise<EvaluateTeacher | undefined> {
  if (evaluation.knn === null) return undefined;
  const whole = await openLabelled(evaluation.knn);
  const some = (source: ImageSource, stream: number) =>
    memoryCache(randomSubset(source, evaluation.images, new Rng(0, STREAM, stream)), CACHE_BYTES);
  const data = { bank: some(whole.bank, 0), queries: some(whole.queries, 1) };
  const warned = new Set<string>();
  const onWarning = (message: string) => {
    if (!warned.has(message)) output.warn(message);
    warned.add(message);
  };
  return async (teacher, signal) => {
    try {
      return await scoresOf(teacher, interruptible(data, signal), { output, onWarning });
    } catch (error) {
      if (signal?.aborted) return null;
      throw error;
    }
  };
}

/** What an evaluation has found, in a line. */
export function evaluationLine({ iteration, knn, featureStd, teacherEntropy, lossOverLnK }: Evaluation): string {
  const accuracies = Object.entries(knn).map(([k, accuracy]) => `${accuracy.toFixed(4)} (k = ${k})`);
  const figures = [
    `k-NN ${accuracies.join(", ")}`,
    `feature std ${featureStd.toPrecision(3)}`,
    ...(teacherEntropy === null ? [] : [`target entropy ${teacherEntropy.toFixed(3)} ln K`]),
    ...(lossOverLnK === null ? [] : [`DINO loss ${lossOverLnK.toFixed(3)} ln K`]),
  ];
  return `evaluation at step ${iteration}: ${figures.join(", ")}`;
}

/** As `eval knn` reads a spec; one that names a split, and a folder without a test split, is dealt into bank and queries. */
async function openLabelled(spec: string): Promise<LabelledImages> {
  const { kind, split } = parseSourceSpec(spec);
  if (split === null && (kind !== "folder" || (await hasTestSplit(spec))))
    return openBankAndQueries(SETTING, { data: spec, test: undefined });
  const source = await openSource(spec, { split: "train" });
  if (!source.labels)
    throw new DataError(`${SETTING}: ${source.name} has no labels. Put images into one folder per class.`);
  const [bank, queries] = randomSplit(source, Math.round(BANK_SHARE * source.length), new Rng(0, STREAM, 2));
  return { bank, queries };
}

async function hasTestSplit(folder: string): Promise<boolean> {
  try {
    await openSource(folder, { split: "test" });
    return true;
  } catch (error) {
    if (error instanceof DataError) return false;
    throw error;
  }
}

/** The same images, read with pauses in which signals are heard, until there is one. */
function interruptible({ bank, queries }: LabelledImages, signal: AbortSignal | undefined): LabelledImages {
  const nextTurn = eventTurns();
  const paused = (source: ImageSource): ImageSource => ({
    ...source,
    read: async (index) => {
      await nextTurn();
      signal?.throwIfAborted();
      return source.read(index);
    },
  });
  return { bank: paused(bank), queries: paused(queries) };
}

async function scoresOf(
  teacher: Encoder,
  { bank, queries }: LabelledImages,
  { output, onWarning }: { output: Output; onWarning: (message: string) => void },
): Promise<TeacherScores> {
  const options = (what: string) => ({
    onWarning,
    onProgress: (done: number, total: number) => output.progress(() => `evaluating, ${what}: ${done}/${total} images`),
  });
  const known = await sharedFeatures(bank, [teacher], options("bank"));
  const asked = await sharedFeatures(queries, [teacher], options("queries"));
  const spread = new FeatureSpread();
  for (const { features } of [known, asked]) spread.add(features[0], teacher.backbone.featureDim);
  const knn = step(() =>
    knnAccuracy(labelledFeatures(asked, 0), labelledFeatures(known, 0), {
      ks: NEIGHBOURS,
      classes: bank.classes.length,
    }),
  );
  return { knn, featureStd: spread.std() };
}
