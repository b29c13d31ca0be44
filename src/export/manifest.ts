import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Depth } from "../elastic/space.js";
import type { Provenance } from "./encoder-metadata.js";

const MANIFEST = "manifest.json";

/** One sub-network of a folder of extracted ones. */
export interface ManifestEntry {
  /** In the search space. */
  readonly name: string;
  /** By which it is well known: small, R50, full. */
  readonly knownAs: readonly string[];
  readonly width: number;
  readonly depth: Depth;
  readonly params: number;
  /** Multiply-adds of one image of the training size. */
  readonly macs: number;
  /** File names by the naming of their parameters. */
  readonly files: Readonly<Record<string, string>>;
  readonly bytes: number;
  /** Of the encoder's file. */
  readonly sha256: string;
  readonly maxAbsDiff: number;
}

/** What manifest.json says about the files beside it. */
export interface Manifest {
  /** What all come from. */
  readonly provenance: Provenance;
  readonly networks: readonly ManifestEntry[];
}

/**
 * Writes manifest.json, in which networks of earlier extractions from the same checkpoint remain.
 *
 * @param folder  of the files
 */
export function writeManifest(folder: string, { provenance, networks }: Manifest): void {
  const path = join(folder, MANIFEST);
  const own = new Set(networks.map(({ name }) => name));
  const earlier = earlierEntries(path, provenance).filter(({ name }) => !own.has(name));
  const manifest: Manifest = { provenance, networks: [...earlier, ...networks] };
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Entries of an earlier manifest of the same provenance; whatever else stands in its place is written over. */
function earlierEntries(path: string, provenance: Provenance): readonly ManifestEntry[] {
  if (!existsSync(path)) return [];
  try {
    const earlier: Partial<Manifest> = JSON.parse(readFileSync(path, "utf8"));
    return isDeepStrictEqual(earlier.provenance, provenance) ? (earlier.networks ?? []) : [];
  } catch {
    return [];
  }
}
