import { join } from "node:path";
import type { SearchSpace } from "../elastic/space.js";
import type { Config } from "../poa/config-keys.js";
import { planRun, type RunPlan, searchSpace } from "../poa/plan.js";
import { RunFolder, type RunInfo } from "../train/run-folder.js";
import { Columns } from "./columns.js";
import { type JsonObject, numberOf, objectOf, parseObject, stringsOf } from "./json-object.js";
import { LineTail } from "./line-tail.js";
import { RankFile, type Ranking } from "./ranking.js";

/** A step whose loss or gradient was not finite. */
export interface SkippedStep {
  readonly iteration: number;
  /** Paths of its images. */
  readonly images: readonly string[];
}

/** Totals of the stretches of a run that its timing tells about. */
export interface Timing {
  readonly images: number;
  readonly steps: number;
  readonly elapsedMs: number;
  readonly dataWaitMs: number;
}

/** What the folder of a run tells, read as the run goes on. */
export class RunRecord {
  readonly path: string;
  readonly config: Config;
  readonly info: RunInfo;
  readonly plan: RunPlan;
  readonly space: SearchSpace;
  /** Numbers of metrics.jsonl under their keys. */
  readonly metrics: Columns = new Columns();
  /** Numbers of evaluations.jsonl; those by k as "knn.20". */
  readonly evaluations: Columns = new Columns();
  /** Numbers of timing.jsonl. */
  readonly timing: Columns = new Columns();
  private readonly networks: (readonly string[])[] = [];
  private readonly names = new Map<string, string>();
  private readonly files: readonly (readonly [tail: LineTail, columns: Columns, add: (line: JsonObject) => void])[];
  private readonly rankFile: RankFile;
  private skippedSteps: SkippedStep[] = [];
  private unreadable = 0;

  /**
   * @param path  the run folder
   * @param config  its config.yaml, read
   * @throws DataError, FormatError if run.json is missing or damaged
   */
  constructor(path: string, config: Config) {
    this.path = path;
    this.config = config;
    this.info = RunFolder.infoOf(path);
    this.plan = planRun(config, { images: this.info.images, processes: this.info.ranks });
    this.space = searchSpace(config);
    this.files = [
      [new LineTail(join(path, "metrics.jsonl")), this.metrics, (line) => this.addStep(line)],
      [new LineTail(join(path, "evaluations.jsonl")), this.evaluations, (line) => addNumbers(this.evaluations, line)],
      [new LineTail(join(path, "timing.jsonl")), this.timing, (line) => addNumbers(this.timing, line)],
    ];
    this.rankFile = new RankFile(join(path, "rank.json"));
  }

  /** Reads what the run has added. @returns whether there was anything */
  refresh(): boolean {
    const changes = this.files.map(([tail, columns, add]) =>
      tail.read({
        line: (text) => {
          const line = parseObject(text);
          if (line && Number.isInteger(line.iteration)) add(line);
          else this.unreadable++;
        },
        restart: () => this.forget(columns),
      }),
    );
    return [...changes, this.rankFile.refresh()].some(Boolean);
  }

  /** Steps done. */
  get iterations(): number {
    return this.metrics.length === 0 ? 0 : this.metrics.iterations[this.metrics.length - 1] + 1;
  }

  /** Whether all steps are done. */
  get finished(): boolean {
    return this.iterations >= this.plan.totalIterations;
  }

  /** Whether a process holds the run. */
  get running(): boolean {
    return RunFolder.isHeld(this.path);
  }

  /** What `poa subnets rank` found; null if it has not been asked. */
  get ranking(): Ranking | null {
    return this.rankFile.ranking;
  }

  /** Steps that were not finite. */
  get skipped(): readonly SkippedStep[] {
    return this.skippedSteps;
  }

  /** Lines that were complete and yet not JSON. */
  get unreadableLines(): number {
    return this.unreadable;
  }

  /** How often each network was trained as the elastic one. */
  drawn(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const step of this.networks) for (const name of step) counts.set(name, (counts.get(name) ?? 0) + 1);
    return counts;
  }

  /** null where nothing was timed. */
  timed(): Timing | null {
    if (this.timing.length === 0) return null;
    const total = (key: string) => this.timing.values(key).reduce((sum, value) => sum + (value || 0), 0);
    return {
      images: total("images"),
      steps: total("steps"),
      elapsedMs: total("elapsedMs"),
      dataWaitMs: total("dataWaitMs"),
    };
  }

  private addStep(line: JsonObject): void {
    const iteration = numberOf(line.iteration);
    const dropped = addNumbers(this.metrics, line);
    this.networks.length -= dropped;
    this.networks.push(stringsOf(line.networks).map((name) => this.interned(name)));
    if (dropped > 0) this.skippedSteps = this.skippedSteps.filter((step) => step.iteration < iteration);
    if (line.skipped === true) this.skippedSteps.push({ iteration, images: stringsOf(line.images) });
  }

  /** A file has been replaced: what was read of it counts no more. */
  private forget(columns: Columns): void {
    columns.clear();
    if (columns !== this.metrics) return;
    this.networks.length = 0;
    this.skippedSteps = [];
  }

  /** The same string for the same name, so that a long run keeps each once. */
  private interned(name: string): string {
    if (!this.names.has(name)) this.names.set(name, name);
    return this.names.get(name)!;
  }
}

/** Adds the numbers of a line, those of a nested object as "name.key". @returns rows dropped */
function addNumbers(columns: Columns, line: JsonObject): number {
  const { iteration, ...rest } = line;
  const entries = Object.entries(rest).flatMap(([key, value]): [string, unknown][] => {
    const nested = objectOf(value);
    return nested ? Object.entries(nested).map(([sub, number]) => [`${key}.${sub}`, number]) : [[key, value]];
  });
  const numbers = entries.filter((entry): entry is [string, number] => typeof entry[1] === "number");
  return columns.append(numberOf(iteration), Object.fromEntries(numbers));
}
