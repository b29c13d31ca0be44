import { existsSync, readFileSync } from "node:fs";
import { FormatError } from "../errors.js";
import type { Violation } from "../eval/monotonicity.js";
import type { RankedNetwork, SizeCorrelations } from "../eval/rank.js";
import { replaceFile } from "../train/durable-write.js";
import { RunFolder } from "../train/run-folder.js";

/** What rank.json says about the networks of a run. */
export interface Ranking {
  /** Data specs of the labelled images. */
  readonly data: string;
  readonly test: string;
  /** Number of neighbours. */
  readonly k: number;
  /** Images that were read: of the bank, of the queries, of both. */
  readonly bank: number;
  readonly queries: number;
  readonly images: number;
  /** Steps that the run had had. */
  readonly steps: number;
  /** Networks of the search space, of which some may be left out. */
  readonly space: number;
  /** How time was measured: threads, images per forward pass, build of the kernels, machine. */
  readonly threads: number;
  readonly batch: number;
  readonly simd: string;
  readonly host: { readonly cpu: string };
  /** The most accurate first. */
  readonly networks: readonly RankedNetwork[];
  readonly spearman: SizeCorrelations;
  readonly violations: readonly Violation[];
}

/** Writes rank.json into the folder of a run. @throws ResourceError if the disk is full */
export function writeRanking(run: string, ranking: Ranking): string {
  const { rankPath } = new RunFolder(run);
  replaceFile(rankPath, `${JSON.stringify(ranking, null, 2)}\n`);
  return rankPath;
}

/** rank.json of a run, or null. @throws FormatError if it is damaged */
export function readRanking(run: string): Ranking | null {
  const { rankPath } = new RunFolder(run);
  if (!existsSync(rankPath)) return null;
  let ranking: Partial<Ranking> | null = null;
  try {
    ranking = JSON.parse(readFileSync(rankPath, "utf8"));
  } catch {
    // Refused below.
  }
  const isNumber = (value: unknown) => typeof value === "number";
  const complete = ({ name, params, bytes, ms, knn }: Partial<RankedNetwork>) =>
    typeof name === "string" && [params, bytes, ms, knn].every(isNumber);
  const { networks, host } = ranking ?? {};
  const usable = Array.isArray(networks) && networks.length > 0 && networks.every(complete);
  if (!usable || typeof host?.cpu !== "string" || ![ranking?.steps, ranking?.threads, ranking?.batch].every(isNumber))
    throw new FormatError(`${rankPath} is not what \`poa subnets rank\` writes. Rank the run again.`);
  return ranking as Ranking;
}
