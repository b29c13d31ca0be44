import type { ImageSource } from "../../data/dataset.js";
import type { Interval } from "../../eval/bootstrap.js";
import { extractFeatures, type ImageForm } from "../../eval/features.js";
import { type FewShotFigures, fewShotFigures } from "../../eval/few-shot.js";
import { KNN_TEMPERATURE, type KnnOptions, knnFigures, knnIntervals, type LabelledFeatures } from "../../eval/knn.js";
import { pixelBaselines, readPixels } from "../../eval/pixel-baselines.js";
import { init } from "../../runtime/context.js";
import type { Call, Command } from "../command.js";
import { bankOptions, netOption, strictOption } from "../common-options.js";
import { extractionOptions, openBankAndQueries } from "../labelled-data.js";
import { openModel } from "../model.js";
import { positiveNumber, wholeNumbers } from "../numbers.js";
import { formatTable, type Output } from "../output.js";

export const evalKnn: Command = {
  name: "eval knn",
  summary: "nearest-neighbour accuracy of a frozen encoder on labelled images",
  operands: ["MODEL"],
  options: {
    ...bankOptions,
    net: netOption,
    k: { value: "LIST", about: "numbers of neighbours", fallback: "10,20,100,200" },
    temperature: {
      value: "T",
      about: "of the vote: weights are softmax(cosine / T)",
      fallback: String(KNN_TEMPERATURE),
    },
    shots: { value: "LIST", about: "also from so many labels per class: 1,10" },
    draws: { value: "N", about: "draws of those labels; draw i has seed i", fallback: "10" },
    baselines: { about: "also pixels, plain and normalised, and their 64 principal components, plain and whitened" },
    strict: strictOption,
  },
  examples: [
    "poa eval knn runs/digits --data mnist",
    "poa eval knn runs/cifar --data cifar10:DIR --net 48x2 --k 20 --json",
    "poa eval knn runs/cifar --data cifar10:DIR --k 20 --shots 1,10 --baselines",
  ],
  async run(call, output) {
    const ks = wholeNumbers("eval knn", "k", call.required("k"));
    const temperature = positiveNumber("eval knn", "temperature", call.required("temperature"));
    const [shots, draws] = [call.text("shots"), call.integer("draws", 1)];
    const perClass = shots === undefined ? [] : wholeNumbers("eval knn", "shots", shots);
    const { bank, queries } = await openBankAndQueries("eval knn", {
      data: call.required("data"),
      test: call.text("test"),
    });
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const known = await extractFeatures(bank, encoder, extractionOptions(call, output, "bank"));
    const asked = await extractFeatures(queries, encoder, extractionOptions(call, output, "queries"));
    const options = { ks, classes: bank.classes.length, temperature };
    const accuracies = accuraciesOf(asked, known, options);
    const fewShot = perClass.map((n): [number, FewShotFigures] => {
      const oneToo = [...new Set([1, ...ks])];
      return [n, fewShotFigures(asked, known, { ...options, ks: oneToo, perClass: n, draws })];
    });
    known.features.dispose();
    asked.features.dispose();
    const pixels = { bank, queries, form: encoder.spec };
    const baselines = call.flag("baselines") ? await baselinesOf(pixels, options, { call, output }) : undefined;
    output.result(
      {
        network,
        ...accuracies,
        temperature,
        ...Object.fromEntries(fewShot.map(([n, { top1 }]) => [`shot${n}`, top1[1].mean])),
        ...(fewShot.length > 0 && { draws, fewShot: Object.fromEntries(fewShot) }),
        ...(baselines && { baselines }),
        bank: known.labels.length,
        queries: asked.labels.length,
      },
      [
        `network ${network}`,
        ...lines(accuracies),
        ...fewShotLines(fewShot, options.classes),
        ...baselineLines(baselines, ks),
      ].join("\n"),
    );
    return 0;
  },
};

interface Accuracies {
  readonly top1: Record<number, number>;
  readonly top5: Record<number, number>;
  readonly interval: Record<number, Interval>;
}

function accuraciesOf(queries: LabelledFeatures, bank: LabelledFeatures, options: KnnOptions): Accuracies {
  const figures = knnFigures(queries, bank, options);
  return { top1: figures.top1, top5: figures.top5, interval: knnIntervals(figures) };
}

type Baselines = Record<string, Accuracies & { readonly features: number }>;

/** The same vote on features that need no training. */
async function baselinesOf(
  { bank, queries, form }: { bank: ImageSource; queries: ImageSource; form: ImageForm },
  options: KnnOptions,
  { call, output }: { call: Call; output: Output },
): Promise<Baselines> {
  const pixels = {
    bank: await readPixels(bank, form, extractionOptions(call, output, "pixels of the bank")),
    queries: await readPixels(queries, form, extractionOptions(call, output, "pixels of the queries")),
  };
  const baselines: Baselines = {};
  for (const { name, bank: known, queries: asked } of pixelBaselines(pixels, form)) {
    output.progress(() => `baseline ${name}`, { final: true });
    baselines[name] = { ...accuraciesOf(asked, known, options), features: known.features.shape[1] };
  }
  pixels.bank.features.dispose();
  pixels.queries.features.dispose();
  return baselines;
}

const figure = (value: number) => value.toFixed(4);
const between = ({ low, high }: Interval) => `${figure(low)} to ${figure(high)}`;

function lines({ top1, top5, interval }: Accuracies): string[] {
  return Object.keys(top1)
    .map(Number)
    .map((k) => `k = ${k}: ${figure(top1[k])} (95 %: ${between(interval[k])}), top-5 ${figure(top5[k])}`);
}

/** Numbers of neighbours above that of all labels say nothing new and are left out. */
function fewShotLines(fewShot: readonly [number, FewShotFigures][], classes: number): string[] {
  return fewShot.flatMap(([n, { top1 }]) =>
    Object.entries(top1)
      .filter(([k]) => Number(k) <= n * classes)
      .map(([k, { mean, std, min, max }]) => {
        const what = k === "1" ? `shot${n}` : `shot${n}, k = ${k}`;
        return `${what}: ${figure(mean)} (std ${figure(std)}, ${figure(min)} to ${figure(max)})`;
      }),
  );
}

const baselineNames: Readonly<Record<string, string>> = {
  rawPixels: "raw pixels",
  normalizedPixels: "pixels, normalised",
  pca: "principal components",
  whitenedPca: "the same, whitened",
};

function baselineLines(baselines: Baselines | undefined, ks: readonly number[]): string[] {
  if (!baselines) return [];
  const rows = Object.entries(baselines).map(([name, { top1, features }]) => [
    baselineNames[name],
    String(features),
    ...ks.map((k) => figure(top1[k])),
  ]);
  return ["", formatTable([["without training", "features", ...ks.map((k) => `k = ${k}`)], ...rows])];
}
