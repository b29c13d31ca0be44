// The tables of docs/results.md, "Every recipe, every protocol", from nothing:
// npm run results -- --data DIR [--out runs/results] [--seeds 0,1,2] [--jobs 2] [--only NAME,NAME]
// What a folder of results holds already is not computed again, so a stopped call continues.
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    data: { type: "string", default: process.env.POA_DATA },
    out: { type: "string", default: "runs/results" },
    seeds: { type: "string", default: "0" },
    jobs: { type: "string", default: "2" },
    only: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (options.help || !options.data) {
  console.error(
    "usage: npm run results -- --data DIR [--out runs/results] [--seeds 0,1,2] [--jobs 2] [--only NAME,NAME]",
  );
  console.error("DIR holds cifar10-subset, clothing-cc0, nuclei-masks and bccd-boxes (docs/results.md).");
  process.exit(options.help ? 0 : 2);
}

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
const program = fileURLToPath(new URL("../dist/src/cli/main.js", import.meta.url));

/** The result of one call of the command line, computed once for a file. */
async function poa(file, args) {
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
  const env = { ...process.env, POA_DATA: options.data, POA_THREADS: "1" };
  const started = performance.now();
  const stdout = await new Promise((done, fail) => {
    execFile(
      process.execPath,
      [program, ...args, "--json", "--quiet"],
      { env, maxBuffer: 2 ** 28 },
      (error, out, err) => (error ? fail(new Error(`poa ${args.join(" ")}\n${err || error.message}`)) : done(out)),
    );
  });
  const result = JSON.parse(stdout.trim().split("\n").at(-1));
  writeFileSync(file, JSON.stringify(result));
  console.error(`${((performance.now() - started) / 1000).toFixed(0).padStart(5)} s  poa ${args.join(" ")}`);
  return result;
}

/** The folder of a run as it was before its first step. */
function startOf(run) {
  const start = `${run}-start`;
  const checkpoint = join("checkpoints", "000000000");
  if (!existsSync(start)) {
    cpSync(join(run, "config.yaml"), join(start, "config.yaml"));
    cpSync(join(run, checkpoint), join(start, checkpoint), { recursive: true });
  }
  return start;
}

/** One recipe on one set of photos: a table of networks, before and after training, by protocol. */
async function photos(folder, seed, family, set) {
  const { preset, networks, epochs } = families[family];
  const run = join(folder, "run");
  if (!existsSync(join(folder, "run.json"))) rmSync(run, { recursive: true, force: true });
  await poa(join(folder, "run.json"), [
    ...["pretrain", "--config", preset, "--data", `${sets[set]}#train`, "--out", run, `train.seed=${seed}`],
    ...[`optim.epochs=${epochs[set]}`, `optim.warmup_epochs=${epochs[set] / 10}`, "train.cache=memory"],
  ]);
  const measure = async (model, network, name) => {
    const common = [model, "--data", sets[set], "--net", network];
    const baselines = name === "trained" && network === networks[0] ? ["--baselines"] : [];
    const knn = await poa(join(folder, `knn-${name}-${network}.json`), [
      ...["eval", "knn", ...common, "--k", "20", "--shots", "10", ...baselines],
    ]);
    const linear = await poa(join(folder, `linear-${name}-${network}.json`), ["eval", "linear", ...common, "--cached"]);
    return { knn: knn.top1["20"], shot10: knn.shot10, linear: linear.top1, baselines: knn.baselines };
  };
  const rows = {};
  let baselines;
  for (const network of networks) {
    const random = await measure(startOf(run), network, "random");
    const trained = await measure(run, network, "trained");
    baselines ??= trained.baselines;
    rows[network] = ["knn", "linear", "shot10"].flatMap((key) => [random[key], trained[key]]);
  }
  const { rawPixels, normalizedPixels, whitenedPca } = baselines;
  const fixed = { "pixels, 0…1": rawPixels, "pixels, normalised": normalizedPixels, "whitened PCA, 64": whitenedPca };
  for (const [name, { top1 }] of Object.entries(fixed)) rows[name] = [undefined, top1["20"]];
  return rows;
}

/** The run of a recipe on images whose objects are labelled elsewhere, and one verb's result from its start and its end. */
async function dense(folder, seed, { images, settings, verb }) {
  const run = join(folder, "run");
  if (!existsSync(join(folder, "run.json"))) rmSync(run, { recursive: true, force: true });
  await poa(join(folder, "run.json"), [
    ...["pretrain", "--config", "resnet-tiny", "--data", images, "--out", run, `train.seed=${seed}`, "optim.epochs=3"],
    ...["optim.warmup_epochs=0.3", "train.OFFICIAL_EPOCH_LENGTH=100", "train.cache=memory", ...settings],
  ]);
  const judge = (name, model) =>
    poa(join(folder, `${name}.json`), ["eval", verb[0], model, ...verb.slice(1), "--seed", `${seed}`]);
  return { random: await judge("random", startOf(run)), trained: await judge("trained", run) };
}

/** Segmentation of nuclei: a UPerNet head, the encoder frozen, beside Otsu's threshold. */
async function nuclei(folder, seed) {
  const crops = ["crops.global_crops_size=64", "crops.global_crops_scale=[0.06,0.3]"];
  const { random, trained } = await dense(folder, seed, {
    images: "nuclei-masks/train/images",
    settings: [...crops, "crops.local_crops_size=32", "crops.local_crops_scale=[0.02,0.06]"],
    verb: [
      ...["segment", "--data", "nuclei-masks", "--binary", "--size", "512", "--crop", "128", "--head", "upernet"],
      ...["--channels", "32", "--lr", "5e-3", "--iterations", "400", "--baselines"],
    ],
  });
  return { random, trained };
}

/** Detection of blood cells: encoder and detector trained together. */
const cells = (folder, seed) =>
  dense(folder, seed, {
    images: "bccd-boxes/JPEGImages",
    settings: ["crops.global_crops_scale=[0.05,0.3]", "crops.local_crops_scale=[0.02,0.08]"],
    verb: ["detect", "--data", "voc:bccd-boxes", "--tune-backbone", "--size", "240", "--iterations", "600"],
  });

/** What there is to compute: a title, and the rows of its table from one seed. */
const parts = {
  ...Object.fromEntries(
    Object.keys(families).flatMap((family) =>
      Object.keys(sets).map((set) => [
        `${family}-${set}`,
        {
          head: ["network", "k-NN random", "trained", "linear random", "trained", "10 labels random", "trained"],
          compute: (folder, seed) => photos(folder, seed, family, set),
        },
      ]),
    ),
  ),
  nuclei: {
    head: ["foreground", "IoU, mean of images", "IoU, all pixels"],
    async compute(folder, seed) {
      const { random, trained } = await nuclei(folder, seed);
      const row = ({ foreground }) => [foreground.imageIou, foreground.iou];
      return {
        "Otsu's threshold": row(trained.baselines.otsu),
        "UPerNet, encoder at its random start": row(random),
        "UPerNet, encoder trained": row(trained),
      };
    },
  },
  cells: {
    head: ["boxes", "AP", "AP50"],
    async compute(folder, seed) {
      const { random, trained } = await cells(folder, seed);
      const row = ({ ap, ap50 }) => [ap, ap50];
      return { "encoder from its random start": row(random), "encoder trained": row(trained) };
    },
  },
};

const deviation = (values, mean) =>
  Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));

/** 0.4275 of one seed → "0.428"; of several, "0.428 ± 0.004". */
function cell(values) {
  if (values.some((value) => value === undefined)) return "";
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return mean.toFixed(3) + (values.length > 1 ? ` ± ${deviation(values, mean).toFixed(3)}` : "");
}

function table(head, perSeed) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const rows = Object.entries(perSeed[0]).map(([name, first]) =>
    line([name, ...first.map((_, column) => cell(perSeed.map((rows) => rows[name][column])))]),
  );
  return [line(head), line(head.map(() => "---")), ...rows].join("\n");
}

const seeds = options.seeds.split(",");
const names = options.only?.split(",") ?? Object.keys(parts);
const queue = seeds.flatMap((seed) => names.map((name) => ({ name, seed })));
const rowsOf = Object.fromEntries(names.map((name) => [name, {}]));
async function work() {
  for (let job = queue.shift(); job; job = queue.shift()) {
    const folder = join(options.out, `${job.name}-${job.seed}`);
    mkdirSync(folder, { recursive: true });
    rowsOf[job.name][job.seed] = await parts[job.name].compute(folder, job.seed);
  }
}
const started = performance.now();
await Promise.all(Array.from({ length: Number(options.jobs) }, work));
const text = names
  .map(
    (name) =>
      `**${name}**\n\n${table(
        parts[name].head,
        seeds.map((seed) => rowsOf[name][seed]),
      )}\n`,
  )
  .join("\n");
writeFileSync(join(options.out, "tables.md"), text);
console.log(text);
console.error(`${((performance.now() - started) / 60_000).toFixed(1)} minutes`);
