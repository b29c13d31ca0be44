import { createHash } from "node:crypto";
import { openSource } from "../../data/source-spec.js";
import type { Network, SearchSpace } from "../../elastic/space.js";
import { ConfigError } from "../../errors.js";
import type { Provenance } from "../../export/encoder-metadata.js";
import { type ExtractedFile, type ExtractedNames, extractNetwork } from "../../export/extract.js";
import { type ManifestEntry, writeManifest } from "../../export/manifest.js";
import type { Config } from "../../poa/config-keys.js";
import { configYaml } from "../../poa/config-yaml.js";
import { searchSpace } from "../../poa/plan.js";
import { init } from "../../runtime/context.js";
import { RunFolder, type RunInfo } from "../../train/run-folder.js";
import { firstImages } from "../check-images.js";
import type { Command } from "../command.js";
import { isRun, openRun } from "../model.js";
import { makeFolder } from "../output-file.js";

/** Above this the two are different networks, not rounding. */
const TOLERANCE = 1e-5;

const namings = ["poa", "timm", "torchvision"] as const;

export const subnetsExtract: Command = {
  name: "subnets extract",
  summary: "write sub-networks of a run as stand-alone files, each compared with its slice on real images",
  operands: ["RUN"],
  options: {
    net: { value: "NAME|all", about: "network: 96x4, small, full, or all", fallback: "full" },
    out: { value: "DIR", about: "folder for the files" },
    names: { value: "poa|timm|torchvision", about: "parameter names", fallback: "poa" },
    data: { value: "SPEC", about: "images to compare on; default those of the run" },
  },
  examples: [
    "poa subnets extract runs/digits --net 32x2 --out encoders",
    "poa subnets extract runs/digits --net all --out encoders --names timm",
  ],
  async run(call, output) {
    const names = call.required("names") as ExtractedNames;
    if (!namings.includes(names))
      throw new ConfigError(`subnets extract: --names is ${JSON.stringify(names)}, expected ${namings.join(", ")}.`);
    const [run, out] = [call.operands[0], call.required("out")];
    if (!isRun(run))
      throw new ConfigError(
        `subnets extract: ${run} is no run (no config.yaml). Name the --out folder of a pre-training.`,
      );
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, config, steps } = await openRun(run);
    const space = searchSpace(config);
    const net = call.required("net");
    const networks = net === "all" ? space.distinct() : [space.parse(net)];
    const info = RunFolder.infoOf(run);
    const provenance = provenanceOf(info, config, steps);
    const source = await openSource(call.text("data") ?? info.data);
    const images = await firstImages(source, encoder.spec, (message) => output.warn(message));
    makeFolder(out);
    let worst = 0;
    const entries: ManifestEntry[] = [];
    const notes = new Set<string>();
    for (const network of networks) {
      const file = extractNetwork(encoder, network, { folder: out, names, images, provenance });
      worst = Math.max(worst, file.maxAbsDiff);
      entries.push(entryOf(file, network, space));
      for (const note of file.notes) notes.add(note);
      output.event("file", { ...file });
      output.print(
        `${file.file}  ${file.params} parameters, differs from the slice by at most ${file.maxAbsDiff.toExponential(1)}`,
      );
    }
    for (const note of notes) output.note(note);
    writeManifest(out, { provenance, networks: entries });
    const ok = worst <= TOLERANCE;
    output.event("result", { files: networks.length, maxAbsDiff: worst, tolerance: TOLERANCE });
    if (!ok) output.error(`a file differs from its slice by ${worst}, more than ${TOLERANCE}`);
    return ok ? 0 : 1;
  },
};

/** Where the networks of a run come from; nothing about the host, so that equal runs give equal files. */
function provenanceOf({ version, dataFingerprint, images, seed }: RunInfo, config: Config, steps: number): Provenance {
  const configSha256 = createHash("sha256").update(configYaml(config)).digest("hex");
  const architecture = config.student.arch;
  return { method: "POA", architecture, version, seed, steps, images, dataFingerprint, configSha256 };
}

function entryOf(file: ExtractedFile, network: Network, space: SearchSpace): ManifestEntry {
  const { file: _file, notes: _notes, ...measured } = file;
  const { width, depth } = network;
  return { ...measured, knownAs: space.namesOf(network), width, depth };
}
