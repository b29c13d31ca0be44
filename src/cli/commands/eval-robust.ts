import type { ImageSource } from "../../data/dataset.js";
import { ConfigError } from "../../errors.js";
import { bootstrapMean, type Interval } from "../../eval/bootstrap.js";
import { classFeatures, extractFeatures, type FeatureOptions } from "../../eval/features.js";
import { KNN_TEMPERATURE } from "../../eval/knn.js";
import {
  divides,
  type Grid,
  OCCLUSION_PERCENT,
  occlusion,
  occlusionGrid,
  type Perturbation,
  SHUFFLE_GRIDS,
  shuffle,
} from "../../eval/perturbation.js";
import { type Answers, knnClassifier, type Recognizer, recognize } from "../../eval/robustness.js";
import type { Encoder } from "../../models/encoder.js";
import { init } from "../../runtime/context.js";
import type { Call, Command } from "../command.js";
import { netOption, seedOption, strictOption } from "../common-options.js";
import { extractionOptions, openBankAndQueries } from "../labelled-data.js";
import { openLinearHead } from "../linear-head.js";
import { openModel } from "../model.js";
import { positiveNumber } from "../numbers.js";
import { formatTable } from "../output.js";
import { openVariants, seenInVariants, variantLines } from "../variants.js";

export const evalRobust: Command = {
  name: "eval robust",
  summary: "accuracy of a frozen encoder on images with dropped patches, shuffled pieces, other backgrounds",
  operands: ["MODEL"],
  options: {
    data: {
      value: "SPEC",
      about: "labelled images; without #split, train is the bank and test is changed and asked about",
    },
    test: { value: "SPEC", about: "the images asked about, if they stand elsewhere" },
    net: netOption,
    k: { value: "N", about: "neighbours in the bank of unchanged images that vote", fallback: "20" },
    temperature: {
      value: "T",
      about: "of the vote: weights are softmax(cosine / T)",
      fallback: String(KNN_TEMPERATURE),
    },
    head: { value: "FILE", about: "classifier of eval linear, or its --out folder, instead of neighbours" },
    grid: {
      value: "N",
      about: "patches a side that are dropped from (default 14, or the most below that divide the image)",
    },
    variants: { value: "DIR", about: "a folder of variants (original, mixed_same, ...), each with a folder per class" },
    map: { value: "FILE", about: 'JSON that names for each class of the bank one of the variants: {"beagle": "dog"}' },
    seed: seedOption,
    strict: strictOption,
  },
  examples: [
    "poa eval robust runs/cifar --data cifar10:DIR",
    "poa eval robust runs/photos --data photos --net 64x2 --json",
    "poa eval robust runs/photos --data photos --variants in9 --map photos-to-in9.json",
  ],
  async run(call, output) {
    const settings = settingsOf(call);
    const { bank, queries } = await openBankAndQueries("eval robust", {
      data: call.required("data"),
      test: call.text("test"),
    });
    const folder = call.text("variants");
    if (folder === undefined && call.text("map") !== undefined)
      throw new ConfigError("eval robust: --map says how classes of --variants are called, which is missing.");
    const variants = folder === undefined ? undefined : openVariants(folder, bank.classes, { call, output });
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const grid = gridFor(encoder.spec.imageSize, settings.grid);
    const head = call.text("head");
    const { recognizer, fields, line }: Decider =
      head === undefined
        ? await neighbours(bank, encoder, settings, extractionOptions(call, output, "bank"))
        : {
            recognizer: openLinearHead(head, encoder, bank.classes),
            fields: { head },
            line: `linear classifier ${head}`,
          };
    const changes = changesFor(encoder.spec.imageSize, grid, settings.seed);
    const answers = await recognize(
      queries,
      recognizer,
      [...changes.occlusion, ...changes.shuffle],
      extractionOptions(call, output, "changed images"),
    );
    const [occluded, shuffled] = [changes.occlusion, changes.shuffle].map((kind) => accuracies(queries, answers, kind));
    const clean = occluded[0];
    const seen = variants && (await seenInVariants(variants, recognizer, { call, output }));
    output.result(
      {
        network,
        top1: clean.top1,
        interval: clean.interval,
        occlusion: column(occluded, "top1"),
        shuffle: column(shuffled, "top1"),
        intervals: { occlusion: column(occluded, "interval"), shuffle: column(shuffled, "interval") },
        grid: grid.rows,
        ...fields,
        seed: settings.seed,
        ...(seen && { backgrounds: seen }),
        queries: answers.indices.length,
      },
      [
        `network ${network}, ${line}`,
        accuracyTable(`dropped of ${grid.rows} × ${grid.cols} patches`, occluded, " %"),
        "",
        accuracyTable("shuffled pieces", shuffled),
        ...(seen ? ["", ...variantLines(seen)] : []),
      ].join("\n"),
    );
    return 0;
  },
};

/** What decides, as fields of the result and as text for people. */
interface Decider {
  readonly recognizer: Recognizer;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly line: string;
}

/** The vote among features of unchanged images. */
async function neighbours(
  bank: ImageSource,
  encoder: Encoder,
  { k, temperature }: Settings,
  options: FeatureOptions,
): Promise<Decider> {
  const known = await extractFeatures(bank, encoder, options);
  const count = known.labels.length;
  return {
    recognizer: {
      form: encoder.spec,
      featuresOf: (images) => classFeatures(encoder, images),
      classifier: knnClassifier(known, { k, temperature, classes: bank.classes.length }),
    },
    fields: { k, temperature, bank: count },
    line: `${k}-NN among ${count} unchanged images`,
  };
}

interface Settings {
  readonly k: number;
  readonly temperature: number;
  readonly seed: number;
  /** Patches a side, or undefined for the usual number. */
  readonly grid: number | undefined;
}

function settingsOf(call: Call): Settings {
  return {
    k: call.integer("k", 1)!,
    temperature: positiveNumber("eval robust", "temperature", call.required("temperature")),
    seed: call.integer("seed")!,
    grid: call.integer("grid", 1),
  };
}

/** @throws ConfigError if the images cannot be cut into the wanted patches */
function gridFor(size: number, side: number | undefined): Grid {
  if (side === undefined) return occlusionGrid(size);
  const grid = { rows: side, cols: side };
  if (divides(grid, size)) return grid;
  throw new ConfigError(
    `eval robust: --grid ${side} does not divide images of ${size} pixels. Choose a divisor of ${size}.`,
  );
}

function changesFor(size: number, grid: Grid, seed: number): Record<"occlusion" | "shuffle", Perturbation[]> {
  return {
    occlusion: OCCLUSION_PERCENT.map((percent) => occlusion(percent, grid, seed)),
    shuffle: SHUFFLE_GRIDS.filter((pieces) => divides(pieces, size)).map((pieces) => shuffle(pieces, seed)),
  };
}

interface Accuracy {
  readonly name: string;
  readonly top1: number;
  readonly interval: Interval;
}

function accuracies(source: ImageSource, { indices, predictions }: Answers, kind: readonly Perturbation[]): Accuracy[] {
  return kind.map(({ name }) => {
    const hits = predictions.get(name)!.map((label, i) => (label === source.labels![indices[i]] ? 1 : 0));
    return { name, top1: hits.reduce((sum, hit) => sum + hit, 0) / hits.length, interval: bootstrapMean(hits) };
  });
}

function column<K extends "top1" | "interval">(rows: readonly Accuracy[], key: K): Record<string, Accuracy[K]> {
  return Object.fromEntries(rows.map((row) => [row.name, row[key]]));
}

function accuracyTable(head: string, rows: readonly Accuracy[], unit = ""): string {
  return formatTable([
    [head, "accuracy", "95 % interval"],
    ...rows.map(({ name, top1, interval: { low, high } }) => [
      `${name}${unit}`,
      top1.toFixed(4),
      `${low.toFixed(4)} to ${high.toFixed(4)}`,
    ]),
  ]);
}
