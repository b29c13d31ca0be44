import { FormatError, ShapeError } from "../errors.js";

const kinds = {
  "<f4": Float32Array,
  "<f8": Float64Array,
  "<i4": Int32Array,
  "<i8": BigInt64Array,
  "|u1": Uint8Array,
} as const;

export type NpyArray = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

export interface NpyFile {
  readonly shape: readonly number[];
  readonly data: NpyArray;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]; // \x93NUMPY, version 1.0
const PREFIX_BYTES = 10;
const ALIGNMENT = 64;

/**
 * Parses a version 1.0 .npy file with little-endian f4, f8, i4, i8 or u1 elements in C order.
 *
 * @param bytes  the whole file
 * @param label  what to call it in an error, usually its path
 * @returns shape and elements; the elements are a view of `bytes` where alignment allows, else a copy
 * @throws FormatError naming the label, the broken rule and what was found
 */
export function readNpy(bytes: Uint8Array, label: string): NpyFile {
  const refuse = (rule: string, found: string): never => {
    throw new FormatError(`readNpy: ${label} cannot be read: ${rule}; found ${found}. Save it again with numpy.save.`);
  };
  if (bytes.length < PREFIX_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    refuse("a file starts with \\x93NUMPY and version 1.0", `[${bytes.subarray(0, MAGIC.length).join(", ")}]`);
  }
  const headerBytes = bytes[8] | (bytes[9] << 8);
  const start = PREFIX_BYTES + headerBytes;
  if (start > bytes.length)
    refuse("the header ends inside the file", `${headerBytes} of ${bytes.length - PREFIX_BYTES} bytes`);
  const header = new TextDecoder("latin1").decode(new Uint8Array(bytes.subarray(PREFIX_BYTES, start)));
  const fields =
    /^\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \((|\d+,|\d+(?:, \d+)+)\), \} *\n$/.exec(header);
  if (fields === null)
    return refuse("the header is {'descr': ..., 'fortran_order': ..., 'shape': (...), }", JSON.stringify(header));
  const [, descr, fortran, extents] = fields;
  if (!Object.hasOwn(kinds, descr)) refuse(`the elements are one of ${Object.keys(kinds).join(" ")}`, descr);
  if (fortran === "True") refuse("the array is in C order", "fortran_order True");
  const shape = extents
    .split(",")
    .map((extent) => extent.trim())
    .filter((extent) => extent !== "")
    .map(Number);
  const kind = kinds[descr as keyof typeof kinds];
  const count = shape.reduce((product, extent) => product * extent, 1);
  const size = count * kind.BYTES_PER_ELEMENT;
  if (!Number.isSafeInteger(size) || size !== bytes.length - start) {
    refuse(`${descr} [${shape.join(", ")}] takes ${size} bytes`, `${bytes.length - start} bytes`);
  }
  const body = bytes.subarray(start);
  const aligned = body.byteOffset % kind.BYTES_PER_ELEMENT === 0 ? body : new Uint8Array(body);
  return { shape, data: new kind(aligned.buffer as ArrayBuffer, aligned.byteOffset, count) };
}

/**
 * Writes a version 1.0 .npy file in C order, its data aligned to 64 bytes as numpy does.
 *
 * @param data  Float32Array, Float64Array, Int32Array, BigInt64Array or Uint8Array
 * @param shape  extents whose product is `data.length`
 * @throws ShapeError if shape and data differ in size
 * @throws FormatError if the shape needs a longer header than version 1.0 has (64 KiB)
 */
export function writeNpy(data: NpyArray, shape: readonly number[]): Uint8Array {
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (count !== data.length) {
    throw new ShapeError(
      `writeNpy: shape [${shape.join(", ")}] has ${count} elements but the data has ${data.length}.`,
    );
  }
  const descr = Object.entries(kinds).find(([, kind]) => data instanceof kind)![0];
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const start = Math.ceil((PREFIX_BYTES + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  if (start - PREFIX_BYTES > 0xffff)
    throw new FormatError(`writeNpy: a shape of ${shape.length} axes does not fit into a version 1.0 header.`);
  const file = new Uint8Array(start + data.byteLength);
  file.set(MAGIC);
  file[8] = (start - PREFIX_BYTES) & 0xff;
  file[9] = (start - PREFIX_BYTES) >> 8;
  new TextEncoder().encodeInto(text.padEnd(start - PREFIX_BYTES - 1) + "\n", file.subarray(PREFIX_BYTES));
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return file;
}
