import { basename, resolve } from "node:path";
import { parseSourceSpec } from "../../data/source-spec.js";
import { ConfigError } from "../../errors.js";
import { sampleGrid } from "../../eval/sampled-grid.js";
import { exportDTypes } from "../../export/dtype.js";
import { sliceEncoder } from "../../models/encoder.js";
import { searchSpace } from "../../poa/plan.js";
import { countText } from "../../report/number-text.js";
import { type ShownEncoder, writeShowcase } from "../../report/showcase/write-showcase.js";
import { init } from "../../runtime/context.js";
import type { Command } from "../command.js";
import { strictOption } from "../common-options.js";
import { isRun, openModel, openRun } from "../model.js";
import { type Output, timeLeft } from "../output.js";
import { makeFolder } from "../output-file.js";
import { readRanking } from "../rank-file.js";
import { openShowcaseImages } from "../showcase-images.js";

/** Networks of a run that are shown unless --net says which. */
const USUAL_NETWORKS = 8;

const families = { vit: "ViT", swin: "Swin", resnet: "ResNet" };

export const showcase: Command = {
  name: "showcase",
  summary: "a folder with a page where encoders are tried on images of one's own, for any static server",
  operands: ["MODEL"],
  options: {
    data: { value: "SPEC", about: "images among which neighbours are sought: the bank" },
    out: { value: "DIR", about: "folder for the page and its files" },
    net: { value: "NAME,...|all", about: `networks of a run (default up to ${USUAL_NETWORKS}, spread over its space)` },
    test: { value: "SPEC", about: "images that the page offers (default the test split, else some of --data)" },
    bank: { value: "N", about: "images of the bank at most, drawn at random", fallback: "1000" },
    samples: { value: "N", about: "images that the page offers", fallback: "12" },
    thumbnail: { value: "N", about: "side of the bank's pictures in pixels (default that of the images, at most 64)" },
    dtype: { value: "f32|f16", about: "of weights in the bundles", fallback: "f32" },
    title: { value: "TEXT", about: "heading of the page (default Encoders of MODEL)" },
    strict: strictOption,
  },
  examples: [
    "poa showcase runs/digits --data mnist --out page",
    "poa showcase runs/photos --data photos/ --net small,96x4,full --dtype f16 --bank 3000 --out page",
  ],
  async run(call, output) {
    const [model] = call.operands;
    const [data, folder] = [call.required("data"), call.required("out")];
    const dtype = exportDTypes.find((known) => known === call.text("dtype"));
    if (!dtype)
      throw new ConfigError(
        `showcase: --dtype is ${JSON.stringify(call.text("dtype"))}, expected ${exportDTypes.join(" or ")}.`,
      );
    const [bank, samples] = [call.integer("bank", 1)!, call.integer("samples")!];
    const thumbnailSide = call.integer("thumbnail", 8);
    const images = await openShowcaseImages({ data, test: call.text("test"), bank, samples });
    await init({ threads: call.threads, simd: call.simd });
    const encoders = await shownEncoders(model, call.text("net"));
    makeFolder(folder);
    const written = await writeShowcase(
      folder,
      {
        title: call.text("title") ?? `Encoders of ${basename(resolve(model))}`,
        subtitle: subtitleOf(encoders, data),
        ...{ encoders, ...images },
      },
      { ...{ dtype, thumbnailSide, strict: call.flag("strict") }, ...watch(output) },
    );
    output.result(
      { folder, ...written },
      [
        `${folder}: ${written.networks} networks, a bank of ${written.bank} images, ${written.samples} samples; ` +
          `${written.files} files, ${countText(written.bytes)}B`,
        `Serve it to see it, for example: npx http-server ${folder}`,
      ].join("\n"),
    );
    return 0;
  },
};

/** The networks of MODEL, with their accuracy where the newest checkpoint has been ranked. */
async function shownEncoders(model: string, net: string | undefined): Promise<ShownEncoder[]> {
  if (!isRun(model)) {
    const { encoder, network } = await openModel(model, net);
    return [{ name: network, encoder }];
  }
  const { encoder, config, steps } = await openRun(model);
  const space = searchSpace(config);
  const distinct = space.distinct();
  const ranking = readRanking(model);
  const accuracies = new Map(
    ranking?.steps === steps ? ranking.networks.map(({ name, knn }) => [name, knn] as const) : [],
  );
  const chosen = net === undefined ? sampleGrid(distinct, USUAL_NETWORKS) : namedNetworks(net, space);
  return chosen.map((network) => ({
    ...{ name: network.name, encoder: sliceEncoder(encoder, network) },
    knn: accuracies.get(network.name),
  }));
}

/** Networks by their names, each once. @throws ConfigError for a name that the space does not have */
function namedNetworks(net: string, space: ReturnType<typeof searchSpace>) {
  if (net === "all") return space.distinct();
  return [...new Set(net.split(",").map((name) => space.parse(name)))];
}

function subtitleOf(encoders: readonly ShownEncoder[], data: string): string {
  const { family } = encoders[0].encoder.spec;
  const what = encoders.length === 1 ? "One encoder" : `${encoders.length} encoders of one pre-training run`;
  return `${what} (${families[family]}), run by this browser. Neighbours come from ${nameOf(data)}.`;
}

/** What images are called in public: where they lie on this machine is nobody's business. */
function nameOf(data: string): string {
  const { kind, path } = parseSourceSpec(data);
  return kind === "mnist" ? "MNIST" : basename(path);
}

/** What is told while the folder is being written. */
function watch(output: Output) {
  const begins = new Map<string, number>();
  return {
    onWarning: (message: string) => output.warn(message),
    onProgress: (what: string, done: number, total: number) => {
      const begin = begins.get(what) ?? performance.now();
      begins.set(what, begin);
      const left = () => (done < total ? `, ${timeLeft(begin, done / total)}` : "");
      output.progress(() => `${what}: ${done}/${total} images${left()}`, { final: done === total });
    },
  };
}
