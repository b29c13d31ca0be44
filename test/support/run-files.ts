import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../src/poa/config-keys.js";
import { configYaml } from "../../src/poa/config-yaml.js";
import { RunRecord } from "../../src/report/run-record.js";
import type { RunInfo } from "../../src/train/run-folder.js";
import { runConfig } from "./square-run.js";
import { tempFolder } from "./temp-folder.js";

/** A line of metrics.jsonl with simple numbers: the objective of step n is 10 − n/100, head 1 loses 1 more than head 0. */
export function metricsLine(iteration: number, changes: Readonly<Record<string, unknown>> = {}): string {
  const objective = 10 - iteration / 100;
  return JSON.stringify({
    iteration,
    ...{ lr: iteration / 1000, wd: 0.04, mom: 0.992, last_layer_lr: 0, teacher_temp: 0.04 },
    ...{ total_loss: objective, objective, dino_local_crops_loss_0: 2, dino_local_crops_loss_1: 3, koleo_loss: 0.5 },
    grad_norm_backbone: 1.25,
    networks: [["8x1", "16x1", "8x2"][iteration % 3]],
    ...changes,
  });
}

export interface RunFiles {
  readonly steps?: number;
  readonly config?: Config;
  readonly info?: Partial<RunInfo>;
  /** Further files by name, objects as JSON. */
  readonly files?: Readonly<Record<string, string | object>>;
}

/** A folder with what a run of so many steps would have written, checkpoints left out. */
export function writtenRun({ steps = 6, config = runConfig(), info = {}, files = {} }: RunFiles = {}): string {
  const lines = Array.from({ length: steps }, (_, i) => `${metricsLine(i)}\n`).join("");
  const described: RunInfo = {
    ...{
      version: "0.1.0",
      data: "folder:/photos",
      init: null,
      dataFingerprint: "0123456789abcdef",
      images: 22,
      seed: 0,
    },
    host: { cpu: "a processor", cores: 2, node: "v20.0.0" },
    ...info,
  };
  const further = Object.entries(files).map(([name, content]) => [
    name,
    typeof content === "string" ? content : JSON.stringify(content),
  ]);
  return tempFolder({
    "config.yaml": configYaml(config),
    "run.json": JSON.stringify(described),
    ...(steps > 0 && { "metrics.jsonl": lines }),
    ...Object.fromEntries(further),
  });
}

/** What the report reads of such a folder. */
export function recordOf(path: string, config: Config = runConfig()): RunRecord {
  const record = new RunRecord(path, config);
  record.refresh();
  return record;
}

/** Writes text behind what a file of a run holds. */
export function append(path: string, name: string, text: string): void {
  appendFileSync(join(path, name), text);
}

/** Writes a file of a run anew. */
export function rewrite(path: string, name: string, text: string): void {
  writeFileSync(join(path, name), text);
}

/** rank.json with one network per place of the tiny search space, the larger the better and slower but for 16x1. */
export const rankFile = {
  ...{
    data: "folder:/photos",
    test: "folder:/photos#test",
    k: 20,
    images: 40,
    steps: 8,
    threads: 1,
    batch: 1,
    host: {},
  },
  violations: [{ smaller: "8x2", bigger: "16x1", difference: 0.05, interval: { low: 0.01, high: 0.09 } }],
  networks: [
    { name: "8x1", width: 8, depth: 1, knn: 0.5, ms: 1, pareto: true },
    { name: "8x2", width: 8, depth: 2, knn: 0.6, ms: 2, pareto: true },
    { name: "16x1", width: 16, depth: 1, knn: 0.55, ms: 3, pareto: false },
    { name: "16x2", width: 16, depth: 2, knn: 0.725, ms: 4, pareto: true },
  ].map((network, i) => ({
    ...network,
    ...{ params: 1000 * (i + 1), macs: 50_000 * (i + 1), draws: 1, bytes: 4096 * (i + 1), msP95: network.ms * 1.5 },
    interval: { low: network.knn - 0.05, high: network.knn + 0.05 },
  })),
};
