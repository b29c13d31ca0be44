import type { CompressionCodec, Compressors, PageHeader, SchemaElement } from "hyparquet";
import { snappyUncompress } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";

export interface ChunkLimits {
  readonly rows: number;
  /** Uncompressed. */
  readonly maxBytes: number;
  readonly codec: CompressionCodec;
  readonly compressors: Compressors;
  /** From the outermost group to the column itself. */
  readonly elements: readonly SchemaElement[];
}

/**
 * Walks the pages of a column chunk of single values, with their headers and the runs that encode which values are null and which entry
 * of the dictionary they are. A decoder makes room for whatever these claim, and counts up to it.
 *
 * @param stored  the chunk
 * @throws Error if a page does not end within the chunk, a run is longer than the page has values, or the pages do not hold one value for
 *   each row
 * Source: Apache Parquet, "Data Pages" and "Encodings", RLE / bit-packing hybrid.
 */
export function checkPages(stored: ArrayBuffer, limits: ChunkLimits): void {
  const reader = { view: new DataView(stored), offset: 0 };
  let values = 0;
  while (reader.offset < stored.byteLength - 1 && values < limits.rows) {
    const page = parquetHeader(reader);
    const size = page.compressed_page_size;
    if (!(size >= 0 && reader.offset + size <= stored.byteLength)) throw new Error("a page is cut off");
    if (!(page.uncompressed_page_size >= 0 && page.uncompressed_page_size <= limits.maxBytes))
      throw new Error(`a page claims ${page.uncompressed_page_size} bytes, its column has ${limits.maxBytes}`);
    const entries = page.dictionary_page_header?.num_values ?? 0;
    const count = page.data_page_header?.num_values ?? page.data_page_header_v2?.num_values ?? 0;
    if (!(entries >= 0 && entries <= page.uncompressed_page_size) || !(count >= 0 && values + count <= limits.rows))
      throw new Error("a page claims more values than there can be");
    checkRuns(new Uint8Array(stored, reader.offset, size), page, limits);
    values += count;
    reader.offset += size;
  }
  if (values !== limits.rows) throw new Error(`its pages hold ${values} of ${limits.rows} values`);
}

function checkRuns(bytes: Uint8Array, page: PageHeader, limits: ChunkLimits): void {
  const depth = limits.elements.filter(({ repetition_type }) => repetition_type === "OPTIONAL").length;
  const width = 32 - Math.clz32(depth);
  const { data_page_header: first, data_page_header_v2: second } = page;
  if (first) {
    const content = decompress(bytes, page.uncompressed_page_size, limits);
    const levels =
      depth === 0 ? 0 : 4 + new DataView(content.buffer, content.byteOffset, content.length).getUint32(0, true);
    if (levels > content.length) throw new Error("the marks of null values are cut off");
    if (depth > 0) walkRuns(content.subarray(4, levels), width, first.num_values, true);
    if (first.encoding.endsWith("DICTIONARY")) checkIndices(content.subarray(levels), first.num_values);
  } else if (second) {
    const levels = second.definition_levels_byte_length;
    if (second.repetition_levels_byte_length !== 0 || !(levels >= 0 && levels <= bytes.length))
      throw new Error("the marks of null values are cut off");
    if (!(second.num_nulls >= 0 && second.num_nulls <= second.num_values))
      throw new Error("a page claims more null values than values");
    if (depth > 0) walkRuns(bytes.subarray(0, levels), width, second.num_values, true);
    if (!second.encoding.endsWith("DICTIONARY")) return;
    const size = page.uncompressed_page_size - levels;
    const stored = bytes.subarray(levels);
    checkIndices(second.is_compressed ? decompress(stored, size, limits) : stored, second.num_values);
  }
}

function decompress(bytes: Uint8Array, size: number, { codec, compressors }: ChunkLimits): Uint8Array {
  if (codec === "UNCOMPRESSED") return bytes;
  const custom = compressors[codec];
  if (custom) return custom(bytes, size);
  const content = new Uint8Array(size);
  snappyUncompress(bytes, content);
  return content;
}

/** The width of an index, then the runs. */
function checkIndices(bytes: Uint8Array, count: number): void {
  if (bytes.length === 0 || bytes[0] === 0) return;
  if (bytes[0] > 32) throw new Error(`indices of ${bytes[0]} bits`);
  walkRuns(bytes.subarray(1), bytes[0], count, false);
}

/** @param complete  whether all `count` values have to be there; of values that may be null there are fewer */
function walkRuns(bytes: Uint8Array, width: number, count: number, complete: boolean): void {
  let [at, seen] = [0, 0];
  while (seen < count && at < bytes.length) {
    let [header, shift] = [0, 0];
    for (let more = true; more; shift += 7) {
      if (at >= bytes.length || shift > 28) throw new Error("the length of a run is damaged");
      header += (bytes[at] & 0x7f) * 2 ** shift;
      more = (bytes[at++] & 0x80) !== 0;
    }
    const length = Math.floor(header / 2) * (header % 2 === 1 ? 8 : 1);
    if (length > count - seen + 7 || length === 0) throw new Error(`a run of ${length} values in a page of ${count}`);
    at += header % 2 === 1 ? (length / 8) * width : Math.ceil(width / 8);
    seen += length;
  }
  if (complete && seen < count) throw new Error("the marks of null values are cut off");
}
