import { createHash } from "node:crypto";
import { openSource } from "../data/source-spec.js";
import type { DistinctNetwork, SearchSpace } from "../elastic/space.js";
import type { Provenance } from "../export/encoder-metadata.js";
import { type ExtractedFile, type ExtractedNames, extractNetwork } from "../export/extract.js";
import { type ManifestEntry, writeManifest } from "../export/manifest.js";
import type { Config } from "../poa/config-keys.js";
import { configYaml } from "../poa/config-yaml.js";
import { searchSpace } from "../poa/plan.js";
import { RunFolder, type RunInfo } from "../train/run-folder.js";
import { firstImages } from "./check-images.js";
import { openRun } from "./model.js";
import type { Output } from "./output.js";
import { makeFolder } from "./output-file.js";

export interface ExtractionRequest {
  /** Folder for the files. */
  readonly out: string;
  readonly names: ExtractedNames;
  /** Images to compare on; those of the run if absent. */
  readonly data?: string;
  /** Which networks of the run's search space. */
  readonly choose: (space: SearchSpace) => readonly DistinctNetwork[];
}

/** What was written. */
export interface Extraction {
  readonly files: readonly ExtractedFile[];
  /** The largest difference between a file and its slice. */
  readonly maxAbsDiff: number;
}

/**
 * Writes sub-networks of a run as files of their own, each compared with its slice on images, and tells about them.
 *
 * @param run  a run folder
 * @throws ConfigError, DataError if run, networks or images are not there
 * @throws PoaError if a file would differ from its slice by more than rounding; those before it are kept
 */
export async function extractNetworks(
  run: string,
  { out, names, data, choose }: ExtractionRequest,
  output: Output,
): Promise<Extraction> {
  const { encoder, config, steps } = await openRun(run);
  const space = searchSpace(config);
  const networks = choose(space);
  const info = RunFolder.infoOf(run);
  const provenance = provenanceOf(info, config, steps);
  const source = await openSource(data ?? info.data);
  const images = await firstImages(source, encoder.spec, (message) => output.warn(message));
  makeFolder(out);
  const files: ExtractedFile[] = [];
  try {
    for (const network of networks) {
      const file = extractNetwork(encoder, network, { folder: out, names, images, provenance });
      files.push(file);
      output.event("file", { ...file });
      output.print(
        `${file.file}  ${file.params} parameters, differs from the slice by at most ${file.maxAbsDiff.toExponential(1)}`,
      );
    }
  } finally {
    if (files.length > 0)
      writeManifest(out, { provenance, networks: files.map((file, i) => entryOf(file, networks[i], space)) });
  }
  for (const note of new Set(files.flatMap(({ notes }) => notes))) output.note(note);
  return { files, maxAbsDiff: Math.max(...files.map((file) => file.maxAbsDiff)) };
}

/** Where the networks of a run come from; nothing about the host, so that equal runs give equal files. */
export function provenanceOf(
  { version, dataFingerprint, images, seed }: RunInfo,
  config: Config,
  steps: number,
): Provenance {
  const configSha256 = createHash("sha256").update(configYaml(config)).digest("hex");
  const architecture = config.student.arch;
  return { method: "POA", architecture, version, seed, steps, images, dataFingerprint, configSha256 };
}

function entryOf(file: ExtractedFile, network: DistinctNetwork, space: SearchSpace): ManifestEntry {
  const { file: _file, notes: _notes, ...measured } = file;
  const { width, depth } = network;
  return { ...measured, knownAs: space.namesOf(network), width, depth };
}
