import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromOfficial } from "../../src/export/names.js";
import { readSafetensors } from "../../src/formats/safetensors.js";

/** A tensor of a golden file with its numbers as doubles. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface Tolerance {
  rtol?: number;
  atol?: number;
  /** The absolute part as a share of the tensor's largest entry. */
  atol_rel_to_tensor_max?: number;
}

/** An entry of manifest.json. */
export interface ManifestEntry {
  readonly name: string;
  readonly file: string;
  readonly params?: string;
  // biome-ignore lint/suspicious/noExplicitAny: the manifest's configurations differ by case
  readonly config: any;
  readonly outputs?: string[];
  readonly zero_grad_params?: string[];
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly steps?: any[];
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly param_groups?: any[];
  readonly networks?: string[][];
  readonly upperbound?: number;
  readonly tolerance?: Record<string, Tolerance> & Tolerance;
}

/** One case: its manifest entry and the tensors of its files. */
export class GoldenCase {
  readonly entry: ManifestEntry;
  readonly tensors: Map<string, GoldenTensor>;
  readonly params: Map<string, GoldenTensor>;

  constructor(folder: string, entry: ManifestEntry) {
    this.entry = entry;
    this.tensors = readGolden(join(folder, entry.file));
    this.params = entry.params ? readGolden(join(folder, entry.params)) : new Map();
  }

  get(name: string): GoldenTensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`${this.entry.file} has no tensor ${name}`);
    return tensor;
  }

  /** Tensors whose names start with the prefix, by the rest of their names. */
  under(prefix: string): Map<string, GoldenTensor> {
    const found = [...this.tensors].filter(([name]) => name.startsWith(prefix));
    return new Map(found.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  }
}

export function readGolden(path: string): Map<string, GoldenTensor> {
  const { tensors } = readSafetensors(readFileSync(path), path);
  return new Map(
    [...tensors].map(([name, { shape, data }]) => [
      name,
      { shape, data: Float64Array.from(data as ArrayLike<number>, Number) },
    ]),
  );
}

/** The same tensors under our names. */
export function ourNames(tensors: Map<string, GoldenTensor>): Map<string, GoldenTensor> {
  return new Map([...tensors].map(([name, tensor]) => [fromOfficial(name), tensor]));
}
