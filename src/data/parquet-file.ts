import { type FileHandle, open } from "node:fs/promises";
import {
  type AsyncBuffer,
  type ColumnMetaData,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from "hyparquet";
import { DataError } from "../errors.js";
import type { ParquetColumn } from "./parquet-columns.js";
import { type ChunkLimits, checkPages } from "./parquet-pages.js";
import { printable } from "./printable.js";

/** Rows that are stored together and decoded together. */
export interface RowGroup {
  readonly firstRow: number;
  readonly rows: number;
}

/** Uncompressed bytes of one row group's column that are read at most: they must be in memory at once. */
const MAX_GROUP_BYTES = 2 ** 30;

/** A Parquet file of which only the footer has been read. */
export class ParquetFile {
  readonly path: string;
  readonly metadata: FileMetaData;
  readonly columns: readonly SchemaTree[];
  readonly groups: readonly RowGroup[];
  readonly rows: number;
  readonly sizeBytes: number;
  private readonly file: AsyncBuffer;

  private constructor(path: string, metadata: FileMetaData, file: AsyncBuffer) {
    this.path = path;
    this.metadata = metadata;
    this.file = file;
    this.sizeBytes = file.byteLength;
    this.columns = parquetSchema(metadata).children;
    if (metadata.schema.slice(1).some(({ name }) => typeof name !== "string")) throw new Error("a column has no name");
    let rows = 0;
    this.groups = metadata.row_groups.map(({ num_rows }) => {
      const group = { firstRow: rows, rows: Number(num_rows) };
      rows += group.rows;
      if (!Number.isSafeInteger(rows) || group.rows < 0) throw new Error(`a row group of ${num_rows} rows`);
      return group;
    });
    this.rows = rows;
  }

  /** @throws DataError if the file is missing or is no Parquet file */
  static async open(path: string): Promise<ParquetFile> {
    const label = `parquet: ${printable(path)}`;
    const file = await bufferOf(path, label);
    try {
      return new ParquetFile(path, await parquetMetadataAsync(file, { geoparquet: false }), file);
    } catch (error) {
      if (error instanceof DataError) throw error;
      throw new DataError(`${label} is no Parquet file, or a damaged one (${(error as Error).message}).`, {
        cause: error,
      });
    }
  }

  /** Uncompressed bytes of a column in one row group, as the footer states them; 0 if it is not there. */
  groupBytes(group: number, column: ParquetColumn): number {
    return Number(this.chunkOf(group, column)?.total_uncompressed_size ?? 0);
  }

  /**
   * The values of one column in one row group; null where there is none.
   *
   * @throws DataError if the group is too large or damaged, with the group and the column
   */
  async column(group: number, column: ParquetColumn): Promise<unknown[]> {
    const fail = (reason: string, cause?: unknown): never => {
      const place = `parquet: ${printable(this.path)}, row group ${group}, column ${printable(column.name)}`;
      throw new DataError(`${place}: ${reason}`, { cause });
    };
    const chunk = this.chunkOf(group, column);
    const begin = Number(chunk?.dictionary_page_offset || chunk?.data_page_offset);
    const end = begin + Number(chunk?.total_compressed_size);
    if (chunk === undefined || !(begin >= 0 && begin <= end && end <= this.sizeBytes))
      return fail("its place is outside of the file. Copy or download it again.");
    const bytes = this.groupBytes(group, column);
    if (!(bytes >= 0 && bytes <= MAX_GROUP_BYTES)) {
      fail(
        `${bytes} bytes must be in memory at once, at most ${MAX_GROUP_BYTES} are read. Write it with fewer rows in a group.`,
      );
    }
    try {
      const stored = await this.file.slice(begin, end);
      const { rows } = this.groups[group];
      const { codec } = chunk;
      const compressors = await compressorsOf(codec);
      const limits = { rows, maxBytes: bytes, codec, compressors, elements: column.elements };
      checkPages(stored, limits);
      return await decodeChunk(stored, begin, this.alone(group, column, chunk), limits);
    } catch (error) {
      if (error instanceof DataError) throw error;
      return fail(`it is damaged (${(error as Error).message}). Copy or download it again.`, error);
    }
  }

  private chunkOf(group: number, { elements }: ParquetColumn): ColumnMetaData | undefined {
    const path = elements.map(({ name }) => name).join("\0");
    const found = this.metadata.row_groups[group].columns.filter(
      ({ meta_data }) => meta_data?.path_in_schema.join("\0") === path,
    );
    return found.length === 1 ? found[0].meta_data : undefined;
  }

  /** The metadata of a file that holds nothing but this chunk: neither other columns nor other groups are looked at. */
  private alone(group: number, { elements }: ParquetColumn, chunk: ColumnMetaData): FileMetaData {
    const rowGroup = this.metadata.row_groups[group];
    const root = { ...this.metadata.schema[0], num_children: 1 };
    const path = elements.map((element, depth) =>
      depth < elements.length - 1 ? { ...element, num_children: 1 } : element,
    );
    const columns = [{ file_offset: 0n, meta_data: chunk }];
    return { ...this.metadata, schema: [root, ...path], row_groups: [{ ...rowGroup, columns }] };
  }
}

async function decodeChunk(
  stored: ArrayBuffer,
  begin: number,
  metadata: FileMetaData,
  { compressors, elements }: ChunkLimits,
): Promise<unknown[]> {
  const file: AsyncBuffer = {
    byteLength: begin + stored.byteLength,
    slice: (from, to) => stored.slice(from - begin, to === undefined ? undefined : to - begin),
  };
  const found = await parquetReadObjects({ file, metadata, compressors, utf8: false, geoparquet: false });
  return found.map((row) =>
    elements.reduce<unknown>((value, { name }) => (value as Record<string, unknown> | null)?.[name] ?? null, row),
  );
}

/** Those beyond Snappy are loaded when a file needs them. */
async function compressorsOf(codec: string): Promise<Compressors> {
  if (codec === "UNCOMPRESSED" || codec === "SNAPPY") return {};
  return (await import("hyparquet-compressors")).compressors;
}

/** The file by ranges; it is opened for each, so that a set of many files holds none of them open. */
async function bufferOf(path: string, label: string): Promise<AsyncBuffer> {
  const within = async <T>(use: (file: FileHandle) => Promise<T>): Promise<T> => {
    let file: FileHandle;
    try {
      file = await open(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new DataError(`${label} cannot be read (${code}). Was it moved or deleted?`, { cause: error });
    }
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  };
  const { size } = await within((file) => file.stat());
  return {
    byteLength: size,
    slice: async (start, end = size) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      const { bytesRead } = await within((file) => file.read(bytes, 0, bytes.length, start));
      if (bytesRead < bytes.length || end > size) throw new Error(`bytes ${start} to ${end} are not all there`);
      return bytes.buffer;
    },
  };
}
