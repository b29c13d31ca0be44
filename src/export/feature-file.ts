import { ConfigError } from "../errors.js";
import { writeNpy } from "../formats/npy.js";

/** Features of images with what belongs to each. */
export interface FeatureTable {
  /** [N, F], row by row. */
  readonly features: Float32Array;
  readonly dim: number;
  /** Where each image comes from. */
  readonly paths: readonly string[];
  /** Class name of each image; null without labels. */
  readonly labels: readonly string[] | null;
}

type Writer = (table: FeatureTable) => Uint8Array | string | Promise<Uint8Array>;

const writers: ReadonlyMap<string, Writer> = new Map<string, Writer>([
  [".npy", ({ features, dim, paths }) => writeNpy(features, [paths.length, dim])],
  [".csv", csv],
  [".parquet", parquet],
]);

/**
 * The writer that a file's ending asks for: `.npy` holds the features alone, float32 [N, F]; `.csv` a line per image of path,
 * label and numbers, without a heading; `.parquet` the columns `path`, `label` (null without labels) and `features`, a list of float.
 *
 * @throws ConfigError for another ending
 */
export function featureWriter(file: string): Writer {
  const writer = writers.get(/\.[^./\\]*$/.exec(file)?.[0] ?? "");
  if (writer) return writer;
  throw new ConfigError(`--out ${file} must end in ${[...writers.keys()].join(" or ")}.`);
}

function csv({ features, dim, paths, labels }: FeatureTable): string {
  const row = (path: string, i: number) =>
    [quoted(path), quoted(labels?.[i] ?? ""), ...features.subarray(i * dim, (i + 1) * dim)].join(",");
  return paths.map((path, i) => `${row(path, i)}\n`).join("");
}

/** A text as a field of a CSV file (RFC 4180). */
function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** Loaded only here: nobody else needs the package. */
async function parquet({ features, dim, paths, labels }: FeatureTable): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const rows = paths.map((_, i) => Array.from(features.subarray(i * dim, (i + 1) * dim)));
  const file = parquetWriteBuffer({
    schema: [
      { name: "root", num_children: 3 },
      { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
      { name: "label", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
      { name: "features", converted_type: "LIST", repetition_type: "REQUIRED", num_children: 1 },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      { name: "element", type: "FLOAT", repetition_type: "REQUIRED" },
    ],
    columnData: [
      { name: "path", data: [...paths] },
      { name: "label", data: labels ? [...labels] : paths.map(() => null) },
      { name: "features", data: rows },
    ],
    createdBy: "poa",
  });
  return new Uint8Array(file);
}
