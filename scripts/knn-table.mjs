// k-NN of networks of a run at its random start and after its newest checkpoint, beside raw pixels:
// node scripts/knn-table.mjs RUN DATA [NAME,NAME,... [QUERIES]]   (QUERIES: further spec, whose images join the test split)
import { join } from "node:path";
import { loadConfig } from "../dist/src/cli/config-file.js";
import { EvalTransform, usualGeometry } from "../dist/src/data/eval-transform.js";
import { openSource } from "../dist/src/data/source-spec.js";
import { extractFeatures } from "../dist/src/eval/features.js";
import { knnAccuracy } from "../dist/src/eval/knn.js";
import { readEncoder } from "../dist/src/export/encoder-file.js";
import { sliceEncoder } from "../dist/src/models/encoder.js";
import { searchSpace } from "../dist/src/poa/plan.js";
import { init } from "../dist/src/runtime/context.js";
import { fromArray } from "../dist/src/tensor/create.js";
import { CheckpointFolder } from "../dist/src/train/checkpoint.js";

const K = 20;
const [run, data, list, more] = process.argv.slice(2);
if (!run || !data) {
  console.error("usage: node scripts/knn-table.mjs RUN DATA [NAME,NAME,... [QUERIES]]");
  process.exit(2);
}
await init({ threads: Number(process.env.POA_THREADS ?? 1) });
const bank = await openSource(data, { split: "train" });
const queries = await Promise.all([openSource(data, { split: "test" }), ...(more ? [openSource(more)] : [])]);
const classes = bank.classes.length;

/** Share of all queries that are right, each set on its own first. */
async function accuracy(featuresOf) {
  const known = await featuresOf(bank);
  let right = 0;
  let total = 0;
  for (const source of queries) {
    const asked = await featuresOf(source);
    right += knnAccuracy(asked, known, { ks: [K], classes })[K] * asked.labels.length;
    total += asked.labels.length;
    asked.features.dispose();
  }
  known.features.dispose();
  return (right / total).toFixed(3);
}

/** Pixels as an encoder would see them, (x − mean)/std, scaled to unit length. */
async function pixels(source, { imageSize, mean, std }) {
  const make = (geometry) => new EvalTransform({ geometry, channels: 3, mean, std });
  const [asIs, resizing] = [make({ kind: "none", size: imageSize }), make(usualGeometry(imageSize))];
  const slot = resizing.allocate(1);
  const length = 3 * imageSize ** 2;
  const rows = new Float32Array(source.length * length);
  for (let i = 0; i < source.length; i++) {
    const image = await source.read(i);
    (image.width === imageSize && image.height === imageSize ? asIs : resizing).write([image], slot);
    const row = slot.toArray();
    const norm = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0)) || 1;
    rows.set(
      row.map((x) => x / norm),
      i * length,
    );
  }
  return { features: fromArray(rows, [source.length, length]), labels: source.labels };
}

const { config } = await loadConfig(join(run, "config.yaml"));
const space = searchSpace(config);
const checkpoints = new CheckpointFolder(join(run, "checkpoints"));
const teacher = (step) => readEncoder(join(checkpoints.folderOf(step), "teacher.safetensors"));
const [start, end] = [teacher(0), teacher(checkpoints.steps().at(-1))];
const { spec } = start;
console.log(`raw pixels: ${await accuracy((s) => pixels(s, { ...spec, mean: [0, 0, 0], std: [1, 1, 1] }))}`);
console.log(`raw pixels, normalised: ${await accuracy((s) => pixels(s, spec))}`);
for (const network of list ? list.split(",").map((name) => space.parse(name)) : space.distinct()) {
  const of = (encoder) => accuracy((source) => extractFeatures(source, sliceEncoder(encoder, network)));
  console.log(`${network.name}: ${await of(start)} -> ${await of(end)}`);
}
