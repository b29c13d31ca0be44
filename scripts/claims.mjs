// The paper's claims about orderings at small scale, the tables of docs/results.md, "The paper's claims": npm run claims -- --help
import { loadConfig } from "../dist/src/cli/config-file.js";
import { searchSpace } from "../dist/src/poa/plan.js";
import { all, epochSettings, runExperiments } from "./experiments.mjs";

const PRESET = "vit-tiny";
const DATA = "cifar10:cifar10-subset";
const EPOCHS = 5;
const NEIGHBOURS = "20";
/** The full network learns and no other. */
const ALONE = ["student.samples_per_step=0", "dino.lambda_ie=1"];

const { config } = await loadConfig(PRESET);
const networks = searchSpace(config).distinct();
const full = networks.at(-1);
const smallest = networks[0];
const middle = networks[Math.floor(networks.length / 2)];
const judged = [full, middle, smallest];

/** A run with the preset's settings but for a few. What several tables need is computed once. */
const pretrain = (calls, { seed, length }, name, settings) =>
  calls.pretrain(`${name}-${seed}`, {
    preset: PRESET,
    data: `${DATA}#train`,
    settings: [`train.seed=${seed}`, ...epochSettings(EPOCHS, length), ...settings],
  });

/** k-NN of a network of a run, or of an encoder in a file. */
async function knn(calls, name, { path, of, net }) {
  const chosen = net === undefined ? [] : ["--net", net];
  const args = ["eval", "knn", path, "--data", DATA, ...chosen, "--k", NEIGHBOURS];
  const { top1, interval } = await calls.once(name, args, { of });
  return { value: top1[NEIGHBOURS], ...interval[NEIGHBOURS] };
}

/** The figures of all judged networks of one run. */
async function figuresOf(calls, context, { name, settings = [] }) {
  const run = await pretrain(calls, context, name, settings);
  return all(judged.map(({ name: net }) => knn(calls, `${name}-${context.seed}-${net}`, { ...run, net })));
}

/** A table whose rows are runs. */
const variants = (rows) => ({
  head: ["", ...judged.map(({ name }) => name)],
  compute: async (calls, context) => {
    const figures = await all(Object.values(rows).map((row) => figuresOf(calls, context, row)));
    return Object.fromEntries(Object.keys(rows).map((title, i) => [title, figures[i]]));
  },
});

/** The preset, and the same with another value of one setting. */
function values(path, { symbol, short, others }) {
  const [section, key] = path.split(".");
  const own = config[section][key];
  const rows = [own, ...others.filter((value) => value !== own)].sort((a, b) => a - b);
  return variants(
    Object.fromEntries(
      rows.map((value) =>
        value === own
          ? [`${symbol} = ${value} (preset)`, { name: "preset" }]
          : [`${symbol} = ${value}`, { name: `${short}-${value}`, settings: [`${path}=${value}`] }],
      ),
    ),
  );
}

/** Settings of a search space that holds one network only, which learns alone. */
const only = ({ width, depth }) => [
  ...[`student.min_embed_dim=${width}`, `student.max_embed_dim=${width}`],
  ...[`student.min_depth=${depth}`, `student.max_depth=${depth}`],
  ...ALONE,
];

/** Each network as a part of one run, in a file of its own, beside the same network with a run to itself. */
async function alone(calls, context) {
  const { seed } = context;
  const row = async ({ name, width, depth }) => {
    const [title, settings] = name === full.name ? ["no-elastic", ALONE] : [`alone-${name}`, only({ width, depth })];
    const [run, own] = await all([pretrain(calls, context, "preset", []), pretrain(calls, context, title, settings)]);
    const encoders = `${run.path}-encoders-${name}`;
    const extract = ["subnets", "extract", run.path, "--net", name, "--out", encoders];
    await calls.once(`preset-${seed}-extract-${name}`, extract, { of: run.of });
    const figures = await all([
      knn(calls, `preset-${seed}-start-${name}`, { ...calls.start(run), net: name }),
      knn(calls, `preset-${seed}-extracted-${name}`, { path: `${encoders}/${name}.safetensors`, of: run.of }),
      knn(calls, `alone-${seed}-start-${name}`, { ...calls.start(own), net: name }),
      knn(calls, `${title}-${seed}-${name}`, { ...own, net: name }),
    ]);
    return [name, figures];
  };
  return Object.fromEntries(await all(judged.map(row)));
}

const counts = config.dino.head_n_prototypes;
const largest = Math.max(...counts);
const heads = (parts) => [`dino.head_n_prototypes=[${parts.map((part) => largest / part)}]`];

await runExperiments({
  script: "claims",
  about: `Tests what the paper says about orderings: runs of ${PRESET} on CIFAR-10, judged by k-NN.`,
  sets: ["cifar10-subset"],
  experiments: {
    alone: {
      head: ["network", "in one run, start", "extracted from it", "alone, start", "pre-trained alone"],
      compute: alone,
    },
    lambda: values("dino.lambda_ie", { symbol: "λ", short: "lambda", others: [0.6, 0.8, 0.9] }),
    scale: values("student.net_select_scale", { symbol: "sampling scale", short: "scale", others: [1, 3] }),
    parts: variants({
      [`the preset, ${counts.length === 1 ? "one head" : `${counts.length} heads`}`]: { name: "preset" },
      "without the elastic branch": { name: "no-elastic", settings: ALONE },
      ...(counts.length > 1 && { "one head": { name: "one-head", settings: heads([1]) } }),
      ...(counts.length !== 4 && { "four heads (MPH)": { name: "four-heads", settings: heads([8, 4, 2, 1]) } }),
      "without α": { name: "no-alpha", settings: ["student.slice_scale=false"] },
    }),
  },
});
