// The tables of docs/results.md, "Every recipe, every protocol", from nothing: npm run results -- --help
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { all, epochSettings, runExperiments, steps } from "./experiments.mjs";

const families = {
  vit: { preset: "vit-tiny", networks: ["128x4", "128x2", "96x3", "64x4", "64x2"], epochs: { cifar: 5, clothing: 32 } },
  swin: { preset: "swin-tiny", networks: ["32x2", "32x1", "24x1", "16x2", "16x1"], epochs: { cifar: 5, clothing: 16 } },
  resnet: {
    preset: "resnet-tiny",
    networks: ["16x2x2", "16x1x1", "12x1x2", "8x2x2", "8x1x1"],
    epochs: { cifar: 5, clothing: 15 },
  },
};
const sets = { cifar: "cifar10:cifar10-subset", clothing: "clothing-cc0" };
/** What "linear" stands for: steps of 256 images, for which 20 passes over either set are too few. */
const PROBE_STEPS = 2000;

/** One recipe on one set of photos: a table of networks, before and after training, by protocol. */
async function photos(calls, { family, set, seed, length, folder }) {
  const { preset, networks, epochs } = families[family];
  const run = await calls.pretrain(`${folder}/run`, {
    preset,
    data: `${sets[set]}#train`,
    settings: [`train.seed=${seed}`, ...epochSettings(epochs[set], length)],
  });
  const measure = async ({ path, of }, network, name) => {
    const common = [path, "--data", sets[set], "--net", network];
    const knn = ["eval", "knn", ...common, "--k", "20", "--shots", "10"];
    const baselines = name === "trained" && network === networks[0] ? ["--baselines"] : [];
    const probe = ["--cached", "--iterations", steps(PROBE_STEPS, length), "--seed", seed];
    const [near, linear] = await all([
      calls.once(`${folder}/knn-${name}-${network}`, [...knn, ...baselines], { of }),
      calls.once(`${folder}/linear-${name}-${network}`, ["eval", "linear", ...common, ...probe], { of }),
    ]);
    return { knn: near.top1["20"], shot10: near.shot10, linear: linear.top1, baselines: near.baselines };
  };
  const start = calls.start(run);
  const rows = await all(
    networks.map(async (network) => {
      const [random, trained] = await all([measure(start, network, "random"), measure(run, network, "trained")]);
      const figures = ["knn", "linear", "shot10"].flatMap((key) => [random[key], trained[key]]);
      return { network, figures, baselines: trained.baselines };
    }),
  );
  const { rawPixels, normalizedPixels, whitenedPca } = rows[0].baselines;
  const fixed = { "pixels, 0…1": rawPixels, "pixels, normalised": normalizedPixels, "whitened PCA, 64": whitenedPca };
  return Object.fromEntries([
    ...rows.map(({ network, figures }) => [network, figures]),
    ...Object.entries(fixed).map(([name, { top1 }]) => [name, [undefined, top1["20"], ...new Array(4)]]),
  ]);
}

/** A ResNet's run on images whose objects are labelled elsewhere, and one verb's result from its start and its end. */
async function dense(calls, { seed, length, folder, images, settings, verb }) {
  const run = await calls.pretrain(`${folder}/run`, {
    preset: "resnet-tiny",
    data: images,
    settings: [`train.seed=${seed}`, ...epochSettings(3, length), "train.OFFICIAL_EPOCH_LENGTH=100", ...settings],
  });
  const judge = ({ path, of }, name) =>
    calls.once(`${folder}/${name}`, ["eval", verb[0], path, ...verb.slice(1), "--seed", seed], { of });
  const [random, trained] = await all([judge(calls.start(run), "random"), judge(run, "trained")]);
  return { random, trained };
}

/** Segmentation of nuclei: a UPerNet head, the encoder frozen, beside Otsu's threshold. */
async function nuclei(calls, { seed, length, folder }) {
  const crops = ["crops.global_crops_size=64", "crops.global_crops_scale=[0.06,0.3]"];
  const { random, trained } = await dense(calls, {
    ...{ seed, length, folder },
    images: "nuclei-masks/train/images",
    settings: [...crops, "crops.local_crops_size=32", "crops.local_crops_scale=[0.02,0.06]"],
    verb: [
      ...["segment", "--data", "nuclei-masks", "--binary", "--size", "512", "--crop", "128", "--head", "upernet"],
      ...["--channels", "32", "--lr", "5e-3", "--iterations", steps(400, length), "--baselines"],
    ],
  });
  const row = ({ foreground: { imageIou, interval, iou } }) => [{ value: imageIou, ...interval }, iou];
  return {
    "Otsu's threshold": row(trained.baselines.otsu),
    "UPerNet, encoder at its random start": row(random),
    "UPerNet, encoder trained": row(trained),
  };
}

/** The images that the detector learns from, as a list: the encoder must not have seen those of the test. */
function cellImages({ data, root }) {
  const cells = join(data, "bccd-boxes");
  const names = readFileSync(join(cells, "ImageSets/Main/trainval.txt"), "utf8").trim().split(/\s+/);
  const list = join(root, "cells.txt");
  mkdirSync(root, { recursive: true });
  writeFileSync(list, names.map((name) => `${relative(root, join(cells, "JPEGImages", `${name}.jpg`))}\n`).join(""));
  return `list:${list}`;
}

/** Detection of blood cells: encoder and detector trained together. */
async function cells(calls, { seed, length, folder }) {
  const { random, trained } = await dense(calls, {
    ...{ seed, length, folder },
    images: cellImages(calls),
    settings: ["crops.global_crops_scale=[0.05,0.3]", "crops.local_crops_scale=[0.02,0.08]"],
    verb: [
      ...["detect", "--data", "voc:bccd-boxes", "--tune-backbone", "--size", "240", "--width", "64", "--tower", "2"],
      ...["--iterations", steps(300, length)],
    ],
  });
  const row = ({ ap, ap50, interval }) => [{ value: ap, ...interval }, ap50];
  return { "encoder from its random start": row(random), "encoder trained": row(trained) };
}

const photoTables = Object.keys(families).flatMap((family) =>
  Object.keys(sets).map((set) => [
    `${family}-${set}`,
    {
      head: ["network", ...["k-NN", "linear", "10 labels"].flatMap((name) => [`${name} random`, `${name} trained`])],
      compute: (calls, context) => photos(calls, { ...context, family, set }),
    },
  ]),
);

await runExperiments({
  script: "results",
  about: "Trains every recipe on small photos, blood cells and nuclei, and judges it by every protocol.",
  sets: ["cifar10-subset", "clothing-cc0", "nuclei-masks", "bccd-boxes"],
  experiments: {
    ...Object.fromEntries(photoTables),
    nuclei: { head: ["foreground", "IoU, mean of images", "IoU, all pixels"], compute: nuclei },
    cells: { head: ["boxes", "AP", "AP50"], compute: cells },
  },
});
