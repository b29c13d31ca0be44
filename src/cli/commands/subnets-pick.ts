import { ConfigError } from "../../errors.js";
import type { RankedNetwork } from "../../eval/rank.js";
import { EXTRACTION_TOLERANCE } from "../../export/extract.js";
import { init } from "../../runtime/context.js";
import type { Call, Command } from "../command.js";
import { extractNetworks } from "../extraction.js";
import { processorName } from "../host.js";
import { expectRun, newestStep } from "../model.js";
import type { Output } from "../output.js";
import { type Ranking, readRanking, writeRanking } from "../rank-file.js";
import { rankRun, timeNetworks } from "../ranking.js";

const VERB = "subnets pick";

/** A quantity that can be limited. */
interface Quantity {
  readonly option: string;
  readonly of: (network: RankedNetwork) => number;
  readonly text: (value: number) => string;
}

const quantities: readonly Quantity[] = [
  { option: "max-ms", of: ({ ms }) => ms, text: (ms) => `${Number(ms.toPrecision(4))} ms` },
  { option: "max-params", of: ({ params }) => params, text: (params) => `${params.toLocaleString("en")} parameters` },
  { option: "max-mb", of: ({ bytes }) => bytes / 1e6, text: (mb) => `${Number(mb.toPrecision(4))} MB` },
];

/** A quantity with the most of it that is allowed. */
interface Limit extends Quantity {
  readonly most: number;
}

export const subnetsPick: Command = {
  name: VERB,
  summary: "extract the most accurate network of a run that fits a budget of time, parameters or file size",
  operands: ["RUN"],
  options: {
    "max-ms": { value: "X", about: "time of a forward pass on this machine, in milliseconds" },
    "max-params": { value: "N", about: "parameters" },
    "max-mb": { value: "X", about: "size of the file in megabytes of 1,000,000 bytes" },
    data: { value: "SPEC", about: "labelled images to rank on, where the run is not ranked yet" },
    out: { value: "DIR", about: "folder for the file" },
  },
  examples: [
    "poa subnets pick runs/digits --max-ms 0.5 --data mnist --out encoders",
    "poa subnets pick runs/photos --max-params 1e6 --max-mb 4 --out encoders",
  ],
  async run(call, output) {
    const [run] = call.operands;
    const out = call.required("out");
    const limits = quantities.flatMap((quantity) => limitOf(call, quantity));
    expectRun(VERB, run);
    const saved = await rankingFor(run, call, output);
    const timeMatters = limits.some(({ option }) => option === "max-ms");
    const ofHere = saved.host.cpu === processorName() && saved.simd === call.simd;
    const ranking = timeMatters && !ofHere ? await timedHere(run, saved, { call, output }) : saved;
    const best = bestWithin(ranking.networks, limits);
    if (ranking.networks.length < ranking.space)
      output.note(`${ranking.networks.length} of ${ranking.space} networks have been ranked; the others are left out`);
    await init({ threads: call.threads, simd: call.simd });
    const { files } = await extractNetworks(
      run,
      { out, names: "poa", choose: (space) => [space.parse(best.name)] },
      output,
    );
    const { file, maxAbsDiff } = files[0];
    const { name, knn, interval, ms, msP95, ...costs } = best;
    const time = ofHere || timeMatters ? { ms, msP95 } : {}; // that of another machine says nothing here
    const told = quantities.filter(({ option }) => option !== "max-ms" || "ms" in time);
    output.result(
      { network: name, knn, interval, ...costs, ...time, file, maxAbsDiff, tolerance: EXTRACTION_TOLERANCE },
      [
        `${name}: k-NN ${knn.toFixed(4)} (95 %: ${interval.low.toFixed(4)}-${interval.high.toFixed(4)})`,
        told.map((quantity) => quantity.text(quantity.of(best))).join(", "),
      ].join("\n"),
    );
  },
};

function limitOf(call: Call, quantity: Quantity): Limit[] {
  const given = call.text(quantity.option);
  if (given === undefined) return [];
  const most = given.trim() === "" ? Number.NaN : Number(given);
  if (!(most > 0 && Number.isFinite(most)))
    throw new ConfigError(`${VERB}: --${quantity.option} is ${JSON.stringify(given)}, expected a number above 0.`);
  return [{ ...quantity, most }];
}

/** The run's ranking: rank.json if it is of the newest checkpoint and of the given images, else a new one. */
async function rankingFor(run: string, call: Call, output: Output): Promise<Ranking> {
  const data = call.text("data");
  const saved = readRanking(run);
  const steps = newestStep(run);
  const current = saved?.steps === steps;
  if (saved && current && (data === undefined || data === saved.data)) return saved;
  if (data === undefined) {
    const reason = saved
      ? `rank.json is of step ${saved.steps}, the newest checkpoint of step ${steps}`
      : "its networks have not been ranked";
    throw new ConfigError(
      `${VERB}: ${run}: ${reason}. Name labelled images with --data, or run \`poa subnets rank\` first.`,
    );
  }
  const ranking = await rankRun({ verb: VERB, run, data }, call, output);
  output.note(`ranking written to ${writeRanking(run, ranking)}`);
  return ranking;
}

/** The ranking with times of this machine. */
async function timedHere(
  run: string,
  ranking: Ranking,
  { call, output }: { call: Call; output: Output },
): Promise<Ranking> {
  output.note(`rank.json was measured elsewhere (${ranking.host.cpu}, ${ranking.simd}); timing the networks here`);
  const times = await timeNetworks(run, ranking.networks, ranking, { simd: call.simd, output });
  const networks = ranking.networks.map((network, i) => ({ ...network, ms: times[i].ms, msP95: times[i].msP95 }));
  return { ...ranking, networks };
}

/** @param networks  the most accurate first @throws ConfigError that says what the smallest costs, if none fits */
function bestWithin(networks: readonly RankedNetwork[], limits: readonly Limit[]): RankedNetwork {
  const fits = (network: RankedNetwork) => limits.every(({ of, most }) => of(network) <= most);
  const best = networks.find(fits);
  if (best) return best;
  const smallest = networks.reduce((a, b) => (b.params < a.params ? b : a));
  const costs = limits.map(({ option, of, text, most }) => {
    const least = networks.reduce((a, b) => (of(b) < of(a) ? b : a));
    const cost = `${text(of(smallest))}, --${option} allows ${text(most)}`;
    if (of(smallest) <= most) return `${cost}: fits`;
    return of(least) < of(smallest)
      ? `${cost}: too much (least: ${least.name}, ${text(of(least))})`
      : `${cost}: too much`;
  });
  throw new ConfigError(
    `${VERB}: no network fits. The smallest, ${smallest.name}, takes ${costs.join("; ")}. Raise what is too small.`,
  );
}
