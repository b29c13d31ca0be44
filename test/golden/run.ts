// Runs every case of a folder of golden vectors: npm run --silent golden -- DIR [--json] [--relaxed]
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PresetName } from "../../src/poa/recipes.js";
import { type InitOptions, init } from "../../src/runtime/context.js";
import { GoldenCase, type ManifestEntry } from "./case.js";
import type { Comparison, ExactComparison } from "./compare.js";
import { runMasking, runParameterGroups, runSampler } from "./exact.js";
import { runAugmentOps, runKnn, runSchedules } from "./images.js";
import { runDinoLoss, runIbotLoss, runKoleo } from "./losses.js";
import { runExtract, runHead, runIntermediate, runVit } from "./networks.js";
import { runResnet, runResnetExtract, runResnetIntermediate, runTorchvisionResnet } from "./resnet.js";
import { runPoaStep } from "./step.js";
import { runTorchvision } from "./stock.js";
import { runSwin, runSwinIntermediate } from "./swin.js";
import { runSwinExtract } from "./swin-extract.js";

export interface GoldenResult {
  readonly case: string;
  readonly status: "pass" | "fail" | "unsupported";
  readonly maxError: number | null;
  readonly tolerance: number | null;
  readonly worst?: string;
}

type Outcome = Comparison | ExactComparison;

/** The runner of a case by its name; the first that matches. */
const runners: readonly [RegExp, (golden: GoldenCase) => Outcome, exact?: "exact"][] = [
  [/^vit_intermediate/, runIntermediate],
  [/^vit_extract/, runExtract],
  [/^vit/, runVit],
  [/^resnet_intermediate/, runResnetIntermediate],
  [/^resnet_extract/, runResnetExtract],
  [/^resnet/, runResnet],
  [/^torchvision_resnet/, runTorchvisionResnet],
  [/^swin_extract/, runSwinExtract],
  [/^swin_intermediate/, runSwinIntermediate],
  [/^swin_(full|sub|local)/, runSwin],
  [/^head/, runHead],
  [/^dino_loss/, runDinoLoss],
  [/^ibot_loss/, runIbotLoss],
  [/^koleo/, runKoleo],
  [/^poa_step/, runPoaStep],
  [/^schedules/, runSchedules],
  [/^masking/, runMasking, "exact"],
  [/^augment_ops/, runAugmentOps],
  [/^knn/, runKnn],
  [/^torchvision/, runTorchvision],
];

/** The official recipe whose parameters a list names. */
const recipes: readonly [RegExp, PresetName][] = [
  [/^param_groups_vit/, "vit_ee1200"],
  [/^param_groups_swin/, "swin_ee1200"],
  [/^param_groups_resnet/, "resnet_ee2400"],
];

/** Runs all cases of a folder in the order of its manifest, then the lists beside it. */
export async function runGolden(folder: string, options: Pick<InitOptions, "simd"> = {}): Promise<GoldenResult[]> {
  const manifest: { cases: ManifestEntry[] } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  const results: GoldenResult[] = [];
  const listed = new Set(manifest.cases.map(({ file }) => file));
  for (const entry of manifest.cases) {
    await init(options); // a memory of its own for each case
    results.push(runCase(entry.name, folder, entry));
  }
  for (const file of readdirSync(folder).sort()) {
    if (!/^(param_groups_\w+|sampler)\.json$/.test(file) || listed.has(file)) continue;
    results.push(runCase(file.slice(0, -".json".length), folder, { name: file, file, config: {} }));
  }
  return results;
}

function runCase(name: string, folder: string, entry: ManifestEntry): GoldenResult {
  const path = join(folder, entry.file);
  if (!existsSync(path))
    return { case: name, status: "fail", maxError: null, tolerance: null, worst: `${entry.file} is not there` };
  try {
    if (name.startsWith("sampler")) return judged(name, runSampler(path), 0);
    const recipe = recipes.find(([pattern]) => pattern.test(name));
    if (recipe) return judged(name, runParameterGroups(path, recipe[1]), 0);
    const runner = runners.find(([pattern]) => pattern.test(name));
    if (!runner) return { case: name, status: "unsupported", maxError: null, tolerance: null };
    return judged(name, runner[1](new GoldenCase(folder, entry)), runner[2] ? 0 : 1);
  } catch (error) {
    return { case: name, status: "fail", maxError: null, tolerance: null, worst: (error as Error).stack };
  }
}

function judged(name: string, { maxError, worst }: Outcome, tolerance: number): GoldenResult {
  return { case: name, status: maxError <= tolerance ? "pass" : "fail", maxError, tolerance, worst };
}

async function main(argv: readonly string[]): Promise<number> {
  const json = argv.includes("--json");
  const [folder] = argv.filter((word) => !word.startsWith("--"));
  if (!folder || !existsSync(join(folder, "manifest.json"))) {
    console.error(
      `golden: ${folder ?? "no folder"} holds no manifest.json. Usage: npm run --silent golden -- DIR [--json] [--relaxed]`,
    );
    return 2;
  }
  const results = await runGolden(folder, { simd: argv.includes("--relaxed") ? "relaxed" : "plain" });
  for (const { worst, ...line } of results) {
    if (json) console.log(JSON.stringify(line));
    else
      console.log(
        `${line.status.padEnd(12)}${line.case.padEnd(28)}${line.maxError === null ? "" : line.maxError.toPrecision(3)}`,
      );
    if (line.status === "fail") console.error(`${line.case}: ${worst}`);
  }
  return results.some(({ status }) => status === "fail") ? 1 : 0;
}

if (process.argv[1]?.endsWith("golden/run.js")) process.exitCode = await main(process.argv.slice(2));
