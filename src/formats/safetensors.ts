import { DTypeError, FormatError, ShapeError } from "../errors.js";
import { halfToNumber } from "./half.js";

/** Bytes per element of the element types that this library stores. */
export const elementBytes = {
  F64: 8,
  I64: 8,
  F32: 4,
  I32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

export type StoredDType = keyof typeof elementBytes;

/** F16 and BF16 are their bit patterns (see `toFloat32`), BOOL is 0 or 1 per byte. */
export type StoredArray =
  | Float64Array
  | BigInt64Array
  | Float32Array
  | Int32Array
  | Uint16Array
  | Int16Array
  | Int8Array
  | Uint8Array;

/** A tensor in a file. */
export interface StoredTensor {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly data: StoredArray;
}

/** What a file of safetensors holds. */
export interface SafetensorsFile {
  readonly tensors: Map<string, StoredTensor>;
  readonly metadata: Map<string, string>;
}

/** The typed array of each element type. */
export const arrayOf = {
  F64: Float64Array,
  I64: BigInt64Array,
  F32: Float32Array,
  I32: Int32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;
const METADATA = "__metadata__";

interface Entry {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: number[];
  readonly begin: number;
  readonly end: number;
}

type Refuse = (rule: string, found: string) => never;

function refusal(label: string): Refuse {
  return (rule, found) => {
    throw new FormatError(
      `readSafetensors: ${label} is not a valid safetensors file: ${shorten(rule)}; found ${shorten(found)}. Write or download it again.`,
    );
  };
}

/** A broken header can be 100 MB long; a message quotes the start of what it found. */
function shorten(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}...`;
}

/**
 * Parses a safetensors file (8-byte little-endian header length, JSON header, raw little-endian data) without trusting it: every
 * length and offset is checked before anything is allocated from it, and the tensors must cover the data without hole or overlap.
 *
 * @param bytes  the whole file
 * @param label  what to call it in an error, usually its path
 * @returns tensors by name and the string metadata; a tensor's data is a view of `bytes` where alignment allows, else a copy
 * @throws FormatError naming the label, the broken rule and what was found
 */
export function readSafetensors(bytes: Uint8Array, label: string): SafetensorsFile {
  const refuse = refusal(label);
  const headerBytes = headerLength(bytes, refuse);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes), refuse);
  const metadata = readMetadata(header, refuse);
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name !== METADATA) entries.push(readEntry(name, value, refuse));
  }
  const data = bytes.subarray(LENGTH_BYTES + headerBytes);
  checkCover(entries, data.length, refuse);
  const tensors = new Map<string, StoredTensor>();
  for (const entry of entries) {
    const { name, dtype, shape } = entry;
    tensors.set(name, { dtype, shape, data: viewOf(data, entry) });
  }
  return { tensors, metadata };
}

function headerLength(bytes: Uint8Array, refuse: Refuse): number {
  if (bytes.length < LENGTH_BYTES) refuse("a file starts with 8 bytes of header length", `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > MAX_HEADER_BYTES) refuse(`the header has at most ${MAX_HEADER_BYTES} bytes`, `${length}`);
  if (length > bytes.length - LENGTH_BYTES) {
    refuse("the header ends inside the file", `a header of ${length} bytes in a file of ${bytes.length}`);
  }
  if (length === 0 || bytes[LENGTH_BYTES] !== 0x7b) {
    refuse("the header starts with {", length === 0 ? "an empty header" : `byte 0x${bytes[LENGTH_BYTES].toString(16)}`);
  }
  return length;
}

function parseHeader(bytes: Uint8Array, refuse: Refuse): Record<string, unknown> {
  let text = "";
  try {
    // Copied, since a decoder does not read shared memory in a browser.
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
  } catch {
    refuse("the header is UTF-8", "bytes that are not");
  }
  checkNesting(text, refuse);
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    return refuse("the header is JSON", (error as Error).message);
  }
}

/**
 * Rejects repeated keys, of which JSON.parse would silently keep the last, and nesting deeper than a header has, before anything is
 * built from the text. On text that is not JSON the result does not matter: JSON.parse refuses it next.
 */
function checkNesting(text: string, refuse: Refuse): void {
  const open: (Set<string> | null)[] = []; // keys seen so far of each open object; null for an array
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "{" || character === "[") {
      open.push(character === "{" ? new Set() : null);
      if (open.length > 3) refuse("the header nests at most 3 levels", `a fourth at character ${i}`);
    } else if (character === "}" || character === "]") {
      open.pop();
    } else if (character === '"') {
      const end = stringEnd(text, i);
      let next = end;
      while (text.charCodeAt(next) <= 0x20) next++;
      if (text[next] === ":") addKey(open.at(-1), text.slice(i, end), refuse);
      i = end - 1;
    }
  }
}

/** Index after the closing quote of the string that starts at `start`. */
function stringEnd(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i + 1;
}

function addKey(keys: Set<string> | null | undefined, quoted: string, refuse: Refuse): void {
  let key = quoted;
  try {
    key = JSON.parse(quoted) as string; // "a" and "\u0061" are the same key
  } catch (error) {
    refuse("the header is JSON", (error as Error).message);
  }
  if (keys?.has(key)) refuse("every key of the header is unique", `${quoted} twice`);
  keys?.add(key);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readMetadata(header: Record<string, unknown>, refuse: Refuse): Map<string, string> {
  const metadata = new Map<string, string>();
  if (!Object.hasOwn(header, METADATA)) return metadata;
  const value = header[METADATA];
  if (!isObject(value)) return refuse(`${METADATA} is an object`, JSON.stringify(value));
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string")
      return refuse(`${METADATA} maps strings to strings`, `${key}: ${JSON.stringify(text)}`);
    metadata.set(key, text);
  }
  return metadata;
}

function readEntry(name: string, value: unknown, refuse: Refuse): Entry {
  const tensor = `tensor ${JSON.stringify(name)}`;
  const keys = isObject(value) ? Object.keys(value).sort().join(", ") : "";
  if (!isObject(value) || keys !== "data_offsets, dtype, shape") {
    return refuse(
      `${tensor} has dtype, shape and data_offsets only`,
      isObject(value) ? `{${keys}}` : JSON.stringify(value),
    );
  }
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(elementBytes, dtype)) {
    return refuse(`${tensor} has one of the dtypes ${Object.keys(elementBytes).join(" ")}`, JSON.stringify(dtype));
  }
  if (!isCounts(shape)) return refuse(`${tensor} has a shape of whole numbers`, JSON.stringify(shape));
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return refuse(`${tensor} has data_offsets [begin, end] with begin <= end`, JSON.stringify(offsets));
  }
  const [begin, end] = offsets;
  let expected: number = elementBytes[dtype as StoredDType];
  for (const extent of shape) expected *= extent;
  if (!Number.isSafeInteger(expected))
    return refuse(`${tensor} has a size that can be stored`, `shape [${shape.join(", ")}]`);
  if (end - begin !== expected) {
    return refuse(
      `${tensor}, ${dtype} [${shape.join(", ")}], takes ${expected} bytes`,
      `data_offsets [${begin}, ${end}]`,
    );
  }
  return { name, dtype: dtype as StoredDType, shape, begin, end };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && entry >= 0);
}

function checkCover(entries: readonly Entry[], dataBytes: number, refuse: Refuse): void {
  const ordered = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of ordered) {
    if (begin !== covered) {
      refuse(
        "tensors follow each other without hole or overlap",
        `${JSON.stringify(name)} at ${begin} after ${covered}`,
      );
    }
    covered = end;
  }
  if (covered !== dataBytes) {
    refuse("the tensors cover the data exactly", `${covered} bytes described, ${dataBytes} bytes present`);
  }
}

function viewOf(data: Uint8Array, { dtype, begin, end }: Entry): StoredArray {
  const size = elementBytes[dtype];
  const bytes = data.subarray(begin, end);
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes); // slice() of a Node Buffer copies nothing
  return new arrayOf[dtype](aligned.buffer as ArrayBuffer, aligned.byteOffset, (end - begin) / size);
}

/**
 * Writes a safetensors file. The bytes are a function of names, values and metadata only: tensors are ordered by element size
 * (largest first, so that each is aligned to its own size), then by name; the header is padded with spaces to a multiple of 8.
 *
 * @param tensors  by name; shape and data must agree
 * @param metadata  strings stored under `__metadata__`
 * @returns the whole file
 * @throws ShapeError if a shape and its data differ in size
 * @throws DTypeError if the array is not of the kind that its dtype stores
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const parts = safetensorsParts(tensors, metadata);
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    file.set(part, offset);
    offset += part.length;
  }
  return file;
}

/** As `writeSafetensors`, but the file in pieces (header, then one view per tensor), for writers that need no second copy of it. */
export function safetensorsParts(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array[] {
  const ordered = inFileOrder(tensors);
  for (const [name, tensor] of ordered) checkWritable(name, tensor);
  const parts = ordered.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return [headerOf(ordered, metadata).header, ...parts];
}

/** A tensor without its elements. */
export type TensorOutline = Pick<StoredTensor, "dtype" | "shape">;

/** The size in bytes of the file that `writeSafetensors` would make. */
export function safetensorsBytes(
  tensors: ReadonlyMap<string, TensorOutline>,
  metadata: ReadonlyMap<string, string> = new Map(),
): number {
  const { header, dataBytes } = headerOf(inFileOrder(tensors), metadata);
  return header.length + dataBytes;
}

function inFileOrder<T extends TensorOutline>(tensors: ReadonlyMap<string, T>): (readonly [string, T])[] {
  return [...tensors].sort(
    ([nameA, a], [nameB, b]) => elementBytes[b.dtype] - elementBytes[a.dtype] || compare(nameA, nameB),
  );
}

/** The header of tensors in file order, and the size of the data behind it. */
function headerOf(
  ordered: readonly (readonly [string, TensorOutline])[],
  metadata: ReadonlyMap<string, string>,
): { header: Uint8Array; dataBytes: number } {
  const fields: string[] = [];
  if (metadata.size > 0) {
    const pairs = [...metadata].sort(([a], [b]) => compare(a, b));
    fields.push(`"${METADATA}":{${pairs.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(",")}}`);
  }
  let begin = 0;
  for (const [name, { dtype, shape }] of ordered) {
    const end = begin + shape.reduce((bytes, extent) => bytes * extent, elementBytes[dtype] as number);
    const info = `{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":[${begin},${end}]}`;
    fields.push(`${JSON.stringify(name)}:${info}`);
    begin = end;
  }
  return { header: encodeHeader(`{${fields.join(",")}}`), dataBytes: begin };
}

function encodeHeader(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil(text.length / 8) * 8;
  const header = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  const view = new DataView(header.buffer);
  view.setUint32(0, padded, true);
  view.setUint32(4, 0, true);
  header.set(text, LENGTH_BYTES);
  return header;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function checkWritable(name: string, { dtype, shape, data }: StoredTensor): void {
  if (name === METADATA) throw new FormatError(`writeSafetensors: a tensor may not be called ${METADATA}. Rename it.`);
  if (!(data instanceof arrayOf[dtype])) {
    throw new DTypeError(
      `writeSafetensors: ${name} is ${dtype}, kept in a ${arrayOf[dtype].name}, but came as ${data.constructor.name}.`,
    );
  }
  const expected = shape.reduce((product, extent) => product * extent, 1);
  if (!isCounts(shape) || expected !== data.length) {
    throw new ShapeError(`writeSafetensors: ${name} has shape [${shape.join(", ")}] but ${data.length} elements.`);
  }
}

/**
 * The values of a floating-point tensor as float32: F32 as it is, F16 and BF16 exactly, F64 rounded to nearest.
 *
 * @returns `tensor.data` itself for F32, else a new array
 * @throws DTypeError for integer and boolean tensors
 */
export function toFloat32({ dtype, data }: StoredTensor): Float32Array {
  if (dtype === "F32") return data as Float32Array;
  if (dtype === "F64") return Float32Array.from(data as Float64Array);
  if (dtype === "BF16") {
    const bits = Uint32Array.from(data as Uint16Array, (half) => half << 16);
    return new Float32Array(bits.buffer);
  }
  if (dtype === "F16") return Float32Array.from(data as Uint16Array, halfToNumber);
  throw new DTypeError(
    `toFloat32: expected F64, F32, F16 or BF16 but the tensor is ${dtype}. Read its integers directly.`,
  );
}
