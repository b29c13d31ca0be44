import type { RankedNetwork } from "../../eval/rank.js";
import { wantedThreads } from "../../runtime/threads.js";
import type { Call, Command } from "../command.js";
import { bankOptions, strictOption } from "../common-options.js";
import { expectRun } from "../model.js";
import { formatTable } from "../output.js";
import { type Ranking, writeRanking } from "../rank-file.js";
import { rankRun } from "../ranking.js";

/** Pairs that are listed for people; rank.json has all. */
const LISTED_PAIRS = 10;

export const subnetsRank: Command = {
  name: "subnets rank",
  summary: "accuracy, size and speed of every network of a run, the Pareto front, and where bigger is worse",
  operands: ["RUN"],
  options: {
    ...bankOptions,
    sample: { value: "N", about: "rank so many networks, spread over the search space, corners included; default all" },
    k: { value: "N", about: "number of neighbours", fallback: "20" },
    images: {
      value: "N",
      about: "images of the bank, and of the queries, at most; drawn at random",
      fallback: "10000",
    },
    batch: { value: "N", about: "images per forward pass that is timed", fallback: "1" },
    "latency-threads": { value: "N|all", about: "threads of the forward pass that is timed", fallback: "1" },
    strict: strictOption,
  },
  examples: [
    "poa subnets rank runs/digits --data mnist",
    "poa subnets rank runs/photos --data photos --sample 12 --images 2000 --json",
  ],
  async run(call, output) {
    const [run] = call.operands;
    expectRun("subnets rank", run);
    const request = {
      ...{ verb: "subnets rank", run, data: call.required("data"), test: call.text("test") },
      ...{ k: call.integer("k", 1), images: call.integer("images", 1), sample: call.integer("sample", 1) },
      ...{ timing: { threads: latencyThreads(call), batch: call.integer("batch", 1)! }, strict: call.flag("strict") },
    };
    const ranking = await rankRun(request, call, output);
    const file = writeRanking(run, ranking);
    for (const network of ranking.networks) output.event("network", { ...network });
    output.result(resultOf(ranking, file), [tableOf(ranking), "", ...summaryOf(ranking), file].join("\n"));
    return 0;
  },
};

function latencyThreads(call: Call): number {
  return wantedThreads(call.required("latency-threads") === "all" ? "all" : call.integer("latency-threads", 1));
}

/** The largest network that was ranked, as `subnets list` closes with the full one, and what is said about all of them. */
function resultOf({ networks, ...all }: Ranking, file: string): Record<string, unknown> {
  const { draws: _, ...largest } = networks.reduce((a, b) => (b.params > a.params ? b : a));
  return { ...largest, count: networks.length, ...all, file };
}

function tableOf({ networks, batch }: Ranking): string {
  const rows = networks.map((network) => [
    network.name,
    network.knn.toFixed(4),
    intervalText(network.interval),
    network.params.toLocaleString("en"),
    network.macs.toLocaleString("en"),
    (network.bytes / 1e6).toFixed(2),
    milliseconds(network.ms),
    milliseconds(network.msP95),
    String(network.draws),
    network.pareto ? "*" : "",
  ]);
  const time = batch === 1 ? "ms" : `ms / ${batch}`;
  const head = ["network", "k-NN", "95 %", "params", "macs", "MB", time, "p95", "draws", "front"];
  return formatTable([head, ...rows]);
}

function summaryOf({ networks, spearman, violations, ...ranking }: Ranking): string[] {
  const { bank, queries, k, threads, batch, host, space } = ranking;
  const front = networks.filter(({ pareto }) => pareto).sort((a, b) => a.params - b.params);
  const correlation = (value: number | null) => (value === null ? "none" : value.toFixed(2));
  const listed = violations
    .slice(0, LISTED_PAIRS)
    .map(
      ({ smaller, bigger, difference, interval }) =>
        `  ${smaller} is better than ${bigger} by ${difference.toFixed(4)} (95 %: ${intervalText(interval)})`,
    );
  const more = violations.length - listed.length;
  return [
    `${networks.length} of ${space} networks, ${k} neighbours, ${bank} images in the bank, ${queries} queries`,
    `time of ${batch === 1 ? "one image" : `${batch} images`} on ${threads === 1 ? "one thread" : `${threads} threads`}: ${host.cpu}`,
    `Pareto front (accuracy, time, parameters): ${front.map(({ name }) => name).join(", ")}`,
    `Spearman correlation of accuracy with parameters ${correlation(spearman.params)}, ` +
      `width ${correlation(spearman.width)}, depth ${correlation(spearman.depth)}`,
    violations.length === 0
      ? "no bigger network is worse than a smaller one beyond chance"
      : `${violations.length} pairs in which the bigger network is worse:`,
    ...listed,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

const intervalText = ({ low, high }: RankedNetwork["interval"]) => `${low.toFixed(4)}-${high.toFixed(4)}`;

const milliseconds = (value: number) => (value < 10 ? value.toFixed(3) : value.toFixed(1));
