#!/usr/bin/env node
import { realpathSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { nearestName } from "../elastic/nearest-name.js";
import { ConfigError } from "../errors.js";
import { type Command, helpOf, parseCall } from "./command.js";
import { benchEdge } from "./commands/bench-edge.js";
import { benchKernels } from "./commands/bench-kernels.js";
import { benchModel } from "./commands/bench-model.js";
import { benchStep } from "./commands/bench-step.js";
import { check } from "./commands/check.js";
import { dashboard } from "./commands/dashboard.js";
import { demo } from "./commands/demo.js";
import { doctor } from "./commands/doctor.js";
import { embed } from "./commands/embed.js";
import { evalCluster } from "./commands/eval-cluster.js";
import { evalDetect } from "./commands/eval-detect.js";
import { evalKnn } from "./commands/eval-knn.js";
import { evalLinear } from "./commands/eval-linear.js";
import { evalRobust } from "./commands/eval-robust.js";
import { evalSegment } from "./commands/eval-segment.js";
import { evalSemi } from "./commands/eval-semi.js";
import { exportCommand } from "./commands/export.js";
import { finetune } from "./commands/finetune.js";
import { importCommand } from "./commands/import.js";
import { pretrain } from "./commands/pretrain.js";
import { preview } from "./commands/preview.js";
import { reportCommand } from "./commands/report.js";
import { resume } from "./commands/resume.js";
import { showcase } from "./commands/showcase.js";
import { subnetsExtract } from "./commands/subnets-extract.js";
import { subnetsList } from "./commands/subnets-list.js";
import { subnetsPick } from "./commands/subnets-pick.js";
import { subnetsRank } from "./commands/subnets-rank.js";
import { visualizeAttention } from "./commands/visualize-attention.js";
import { visualizeNeighbors } from "./commands/visualize-neighbors.js";
import { visualizePca } from "./commands/visualize-pca.js";
import { tellFailure } from "./failure.js";
import { Output } from "./output.js";
import { version } from "./version.js";

const commands: readonly Command[] = [
  check,
  preview,
  pretrain,
  resume,
  evalKnn,
  evalCluster,
  evalRobust,
  evalLinear,
  evalSemi,
  finetune,
  evalDetect,
  evalSegment,
  embed,
  subnetsList,
  subnetsExtract,
  subnetsRank,
  subnetsPick,
  exportCommand,
  importCommand,
  visualizeAttention,
  visualizePca,
  visualizeNeighbors,
  reportCommand,
  dashboard,
  showcase,
  demo,
  doctor,
  benchEdge,
  benchKernels,
  benchModel,
  benchStep,
];

/**
 * Runs the program.
 *
 * @param argv  arguments without the program's name
 * @returns the exit code (0 done, 1 failed, 2 usage or config, 3 data, 4 numeric, 5 resources, 130 interrupted)
 */
export async function main(argv: readonly string[]): Promise<number> {
  const [first, second] = argv;
  if (first === "--version") {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  if (first === undefined) {
    process.stderr.write(overview());
    return 2;
  }
  if (first === "--help" || first === "-h" || first === "help") {
    process.stdout.write(overview());
    return 0;
  }
  const output = new Output({ json: argv.includes("--json"), quiet: argv.includes("--quiet") });
  try {
    const command =
      commands.find(({ name }) => name === first) ?? commands.find(({ name }) => name === `${first} ${second}`);
    if (!command) return unknownVerb(first, second, argv.includes("--help"));
    const call = parseCall(command, argv.slice(command.name.split(" ").length));
    if (call.flag("help")) {
      process.stdout.write(helpOf(command));
      return 0;
    }
    return (await command.run(call, output)) ?? 0;
  } catch (error) {
    return tellFailure(error, output, { debug: argv.includes("--debug") });
  }
}

/** A group such as `eval` on its own lists its verbs. */
function unknownVerb(first: string, second: string | undefined, help: boolean): number {
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length > 0 && help) {
    process.stdout.write(`${group.map(({ name, summary }) => `poa ${name}  ${summary}`).join("\n")}\n`);
    return 0;
  }
  if (group.length > 0) {
    throw new ConfigError(
      `poa ${first}${second ? ` ${second}` : ""}: expected one of ${group.map(({ name }) => `poa ${name}`).join(", ")}.`,
    );
  }
  const nearest = nearestName(
    first,
    commands.map(({ name }) => name),
  );
  throw new ConfigError(
    `there is no verb ${JSON.stringify(first)}.${nearest ? ` Did you mean ${nearest}?` : ""} See poa --help.`,
  );
}

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  return [
    "poa: one self-supervised run, encoders of every size, on any CPU",
    "",
    "poa <verb> [options] [key.sub=value ...]; poa <verb> --help tells more",
    "",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    "",
    "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 data, 4 numeric, 5 resources, 130 interrupted (state saved)",
    "",
  ].join("\n");
}

/** A reader that has seen enough, such as `head`, is no fault. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit();
  throw error;
}

// npm links the program under another name, so the real path is compared.
if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  process.stdout.on("error", endWithReader);
  process.stderr.on("error", endWithReader);
  process.exitCode = await main(process.argv.slice(2));
}
