import { DataError } from "../../errors.js";
import { bootstrap, bootstrapMean, type Interval } from "../../eval/bootstrap.js";
import { type ClusterFigures, type Clustering, clusterFigures, matchedHits } from "../../eval/cluster-metrics.js";
import { extractFeatures } from "../../eval/features.js";
import { kMeans } from "../../eval/kmeans.js";
import { init } from "../../runtime/context.js";
import type { Command } from "../command.js";
import { netOption, seedOption, strictOption } from "../common-options.js";
import { extractionOptions, openLabelled } from "../labelled-data.js";
import { openModel } from "../model.js";
import { formatTable, type Output, timeLeft } from "../output.js";

export const evalCluster: Command = {
  name: "eval cluster",
  summary: "how far k-means clusters of a frozen encoder's features agree with classes",
  operands: ["MODEL"],
  options: {
    data: {
      value: "SPEC",
      about: "labelled images; without #split the test split, a folder without splits as a whole",
    },
    net: netOption,
    clusters: { value: "N", about: "number of clusters (default the number of classes)" },
    restarts: { value: "N", about: "starts of k-means; the one with the least inertia counts", fallback: "10" },
    seed: seedOption,
    "raw-length": { about: "leave features as long as they are; otherwise each is scaled to length 1" },
    strict: strictOption,
  },
  examples: [
    "poa eval cluster runs/digits --data mnist",
    "poa eval cluster runs/photos --data photos --clusters 50 --net 64x2 --json",
  ],
  async run(call, output) {
    const [wanted, restarts] = [call.integer("clusters", 1), call.integer("restarts", 1)];
    const seed = call.integer("seed");
    const source = await openLabelled("eval cluster", call.required("data"));
    const classes = source.classes.length;
    const clusters = wanted ?? classes;
    if (clusters > source.length) {
      throw new DataError(`eval cluster: ${clusters} clusters of ${source.length} images. Lower --clusters.`);
    }
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const { features, labels } = await extractFeatures(source, encoder, {
      ...extractionOptions(call, output, "images"),
      normalize: !call.flag("raw-length"),
    });
    const { assignments, inertia, starts } = kMeans(features, clusters, {
      restarts,
      seed,
      onProgress: startsDone(output),
    });
    const clustering = { labels, classes, assignments, clusters };
    const { hits } = matchedHits(clustering);
    const [top1, interval] = [share(hits), bootstrapMean(hits)];
    const figures = clusterFigures(clustering);
    const intervals = intervalsOf(clustering);
    const ofStarts = starts.map((start) => {
      const other = { ...clustering, assignments: start.assignments };
      const { inertia, iterations } = start;
      return { inertia, iterations, top1: share(matchedHits(other).hits), ...clusterFigures(other) };
    });
    output.result(
      {
        network,
        top1,
        interval,
        ...figures,
        intervals,
        clusters,
        classes,
        images: labels.length,
        inertia,
        seed,
        starts: ofStarts,
      },
      text({ network, clusters, classes, images: labels.length }, [
        ["accuracy, matched", top1, interval, ofStarts.map((start) => start.top1)],
        ["NMI", figures.nmi, intervals.nmi, ofStarts.map((start) => start.nmi)],
        ["ARI", figures.ari, intervals.ari, ofStarts.map((start) => start.ari)],
        ["FMI", figures.fmi, intervals.fmi, ofStarts.map((start) => start.fmi)],
      ]),
    );
    return 0;
  },
};

/** Starts of k-means as they are done. */
function startsDone(output: Output): (done: number, total: number) => void {
  const begin = performance.now();
  return (done, total) =>
    output.progress(
      () => `k-means: ${done}/${total} starts${done < total ? `, ${timeLeft(begin, done / total)}` : ""}`,
      {
        final: done === total,
      },
    );
}

const share = (hits: Uint8Array) => hits.reduce((sum, hit) => sum + hit, 0) / hits.length;

function intervalsOf(clustering: Clustering): Record<keyof ClusterFigures, Interval> {
  const of = (name: keyof ClusterFigures) =>
    bootstrap(clustering.labels.length, (rows) => clusterFigures(clustering, rows)[name]);
  return { nmi: of("nmi"), ari: of("ari"), fmi: of("fmi") };
}

function text(
  { network, clusters, classes, images }: { network: string; clusters: number; classes: number; images: number },
  rows: readonly [name: string, value: number, interval: Interval, ofStarts: number[]][],
): string {
  const figure = (value: number) => value.toFixed(4);
  return [
    `network ${network}: ${clusters} clusters of ${images} images, ${classes} classes`,
    formatTable([
      ["", "value", "95 % interval", "over the starts"],
      ...rows.map(([name, value, { low, high }, all]) => [
        name,
        figure(value),
        `${figure(low)} to ${figure(high)}`,
        `${figure(Math.min(...all))} to ${figure(Math.max(...all))}`,
      ]),
    ]),
  ].join("\n");
}
