import { basename } from "node:path";
import { DataError } from "../errors.js";
import type { ImageSource } from "./dataset.js";
import { type EncodedOptions, encodedSource } from "./encoded-source.js";
import { Fingerprint } from "./fingerprint.js";
import { numberLabels } from "./labels.js";
import type { ParquetColumns } from "./parquet-columns.js";
import type { ParquetFile } from "./parquet-file.js";
import { printable } from "./printable.js";

/** Which columns are read, and how much of a file is held. */
export interface ParquetOptions extends EncodedOptions {
  /** Column of the encoded images: bytes, or a group with a member `bytes`. Default: `image`, `img`, else the only one of that kind. */
  readonly imageColumn?: string;
  /** Column of the labels, whole numbers or text. Default: the first of `label`, `labels`, `fine_label`, `class`; it may be missing. */
  readonly labelColumn?: string;
  /** Bytes of row groups that are kept after they were read, at most, beside the one in use. Default 256 MiB. */
  readonly cacheBytes?: number;
}

interface Table {
  readonly file: ParquetFile;
  readonly columns: ParquetColumns;
  readonly firstIndex: number;
}

type Cells = readonly unknown[];

/**
 * Images in Parquet files, in the layout of the library `datasets`: a column of encoded images and one of labels. Class names
 * that it stores beside the data are taken over; a label of -1 is none.
 *
 * Opening reads footers and labels. Images are read by row group, one at a time, of which the last ones are kept: visiting the images of many
 * groups in random order reads groups again and again unless they fit into `cacheBytes`.
 *
 * @param files  paths
 * @param options  columns, cache, decoding, notes
 * @throws DataError if a file is missing, damaged, has no such column (its columns are listed), or holds other labels than described
 *   above; a row without bytes is a broken image
 */
export async function parquetImages(files: readonly string[], options: ParquetOptions = {}): Promise<ImageSource> {
  const { imageColumn, labelColumn, cacheBytes = 256 * 2 ** 20, ...encoded } = options;
  const { ParquetFile } = await import("./parquet-file.js"); // with the package that it needs
  const { chooseColumns } = await import("./parquet-columns.js");
  const tables: Table[] = [];
  let length = 0;
  for (const path of files) {
    const file = await ParquetFile.open(path);
    const wanted = { image: imageColumn, label: labelColumn };
    tables.push({
      file,
      columns: chooseColumns(file.columns, wanted, `parquet: ${printable(path)}`),
      firstIndex: length,
    });
    length += file.rows;
  }
  if (length === 0)
    throw new DataError(`parquet: no rows in the ${files.length} files from ${printable(files[0] ?? "")} on.`);
  const locate = (index: number): { table: Table; row: number } => {
    const table = tables.filter(({ firstIndex }) => firstIndex <= index).at(-1)!;
    return { table, row: index - table.firstIndex };
  };
  const path = (index: number): string => {
    const { table, row } = locate(index);
    return `${table.file.path}#${row}`;
  };
  const { labels, classes } = await readLabels(tables, path);
  const groups = new GroupCache(cacheBytes);
  return encodedSource(
    {
      name: `parquet:${printable(files.length === 1 ? files[0] : `${files[0]} and ${files.length - 1} more`)}`,
      length,
      labels,
      classes,
      path,
      bytes: async (index) => {
        const { table, row } = locate(index);
        const label = printable(path(index));
        const group = table.file.groups.findLastIndex(({ firstRow }) => firstRow <= row);
        let cells: Cells;
        try {
          cells = await groups.read(table, group);
        } catch (error) {
          throw error instanceof DataError ? new DataError(`${label}: ${error.message}`, { cause: error }) : error;
        }
        const cell = cells[row - table.file.groups[group].firstRow];
        if (!(cell instanceof Uint8Array))
          throw new DataError(`${label}: the row has no bytes. Store the images themselves, not only their paths.`);
        return cell;
      },
      fingerprint: () => {
        const hash = new Fingerprint().text("parquet");
        for (const { file } of tables) hash.text(basename(file.path)).integers([file.sizeBytes, file.rows]);
        return hash.integers(labels ?? []).digest();
      },
    },
    encoded,
  );
}

/** The row groups that were read last, within a number of bytes. They are decoded one after the other, so that few are in memory. */
class GroupCache {
  private readonly maxBytes: number;
  private readonly kept = new Map<string, { cells: Promise<Cells>; bytes: number }>();
  private keptBytes = 0;
  private last: Promise<unknown> = Promise.resolve();

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  read({ file, columns }: Table, group: number): Promise<Cells> {
    const key = `${group} ${file.path}`;
    const known = this.kept.get(key);
    if (known) {
      this.kept.delete(key); // and to the end again, which is the youngest
      this.kept.set(key, known);
      return known.cells;
    }
    const cells = this.last.then(() => file.column(group, columns.image));
    this.last = cells.catch(() => {});
    const bytes = file.groupBytes(group, columns.image);
    this.kept.set(key, { cells, bytes });
    this.keptBytes += bytes;
    for (const [old, entry] of this.kept) {
      if (this.keptBytes <= this.maxBytes || old === key) break;
      this.kept.delete(old);
      this.keptBytes -= entry.bytes;
    }
    return cells;
  }
}

async function readLabels(
  tables: readonly Table[],
  path: (index: number) => string,
): Promise<{ labels: Int32Array | null; classes: string[] }> {
  if (tables.every(({ columns }) => columns.label === null)) return { labels: null, classes: [] };
  const { classNames } = await import("./parquet-columns.js");
  const texts: (string | null)[] = [];
  let names: string[] | null = null;
  for (const { file, columns, firstIndex } of tables) {
    if (columns.label === null)
      throw new DataError(`parquet: ${printable(file.path)} has no column of labels, other files of the set have one.`);
    names ??= classNames(file.metadata, columns.label.name);
    for (let group = 0; group < file.groups.length; group++) {
      const where = path(firstIndex + file.groups[group].firstRow);
      for (const value of await file.column(group, columns.label)) texts.push(labelText(value, where));
    }
  }
  const numbered = numberLabels(texts, (index) => `parquet: ${printable(path(index))}`);
  const areNumbers = numbered.classes.every((name, index) => name === String(index));
  const named = names !== null && numbered.labels !== null && areNumbers && numbered.classes.length <= names.length;
  return named ? { labels: numbered.labels, classes: names! } : numbered;
}

function labelText(value: unknown, group: string): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if ((typeof value === "bigint" || Number.isSafeInteger(value)) && (value as number | bigint) >= -1)
    return Number(value) === -1 ? null : String(value);
  throw new DataError(
    `parquet: ${printable(group)} and what follows: the label ${String(value)} is neither a whole number from 0 nor text.`,
  );
}
