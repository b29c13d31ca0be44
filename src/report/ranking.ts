import { readFileSync, statSync } from "node:fs";
import type { Depth } from "../elastic/space.js";
import { type JsonObject, numberOf, objectOf, parseObject } from "./json-object.js";

/** One network as `poa subnets rank` measured it; a number that is missing is NaN. */
export interface RankedNetwork {
  readonly name: string;
  readonly width: number;
  readonly depth: Depth;
  readonly params: number;
  readonly macs: number;
  /** Of its file. */
  readonly bytes: number;
  /** Median time of a forward pass, and its 95th percentile. */
  readonly ms: number;
  readonly msP95: number;
  /** Share of the test images whose neighbours vote for their class. */
  readonly knn: number;
  readonly interval: { readonly low: number; readonly high: number };
  /** Whether no other network is as accurate, as fast and as small, and better in one of these. */
  readonly pareto: boolean;
}

/** Two networks of which the smaller one is better by more than chance explains. */
export interface RankViolation {
  readonly smaller: string;
  readonly bigger: string;
  /** Accuracy of the smaller one minus that of the bigger one. */
  readonly difference: number;
}

/** rank.json of a run. */
export interface Ranking {
  readonly data: string;
  readonly test: string;
  readonly k: number;
  /** Steps that the run had had. */
  readonly steps: number;
  /** Of the forward passes that were timed, and images in each. */
  readonly threads: number;
  readonly batch: number;
  readonly networks: readonly RankedNetwork[];
  readonly violations: readonly RankViolation[];
}

/** rank.json as it stands; read again when it changes. */
export class RankFile {
  private readonly path: string;
  private state = "";
  /** null while there is none. */
  ranking: Ranking | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** @returns whether it has changed */
  refresh(): boolean {
    const stats = statSync(this.path, { throwIfNoEntry: false });
    const state = stats ? `${stats.ino} ${stats.size} ${stats.mtimeMs}` : "";
    if (state === this.state) return false;
    this.state = state;
    this.ranking = stats ? rankingOf(parseObject(readFileSync(this.path, "utf8"))) : null;
    return true;
  }
}

/** null unless it lists at least one network. */
export function rankingOf(file: JsonObject | null): Ranking | null {
  const networks = Array.isArray(file?.networks) ? file.networks.flatMap(networkOf) : [];
  if (!file || networks.length === 0) return null;
  return {
    data: textOf(file.data),
    test: textOf(file.test),
    k: numberOf(file.k),
    steps: numberOf(file.steps),
    threads: numberOf(file.threads),
    batch: numberOf(file.batch),
    networks,
    violations: Array.isArray(file.violations) ? file.violations.flatMap(violationOf) : [],
  };
}

/** Empty for what is none. */
function violationOf(value: unknown): RankViolation[] {
  const { smaller, bigger, difference } = objectOf(value) ?? {};
  return typeof smaller === "string" && typeof bigger === "string"
    ? [{ smaller, bigger, difference: numberOf(difference) }]
    : [];
}

/** Empty for what is no network. */
function networkOf(value: unknown): RankedNetwork[] {
  const entry = objectOf(value);
  const depth = entry && depthOf(entry.depth);
  if (!entry || depth === null || typeof entry.name !== "string" || typeof entry.width !== "number") return [];
  const interval = objectOf(entry.interval);
  return [
    {
      name: entry.name,
      width: entry.width,
      depth,
      params: numberOf(entry.params),
      macs: numberOf(entry.macs),
      bytes: numberOf(entry.bytes),
      ms: numberOf(entry.ms),
      msP95: numberOf(entry.msP95),
      knn: numberOf(entry.knn),
      interval: { low: numberOf(interval?.low), high: numberOf(interval?.high) },
      pareto: entry.pareto === true,
    },
  ];
}

function depthOf(value: unknown): Depth | null {
  if (typeof value === "number") return value;
  return Array.isArray(value) && value.every((n) => typeof n === "number") ? value : null;
}

const textOf = (value: unknown) => (typeof value === "string" ? value : "");
