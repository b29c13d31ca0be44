import fc from "fast-check";
import * as assert from "uvu/assert";
import { FormatError } from "../../src/errors.js";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../../src/formats/safetensors.js";

/** One tensor of every kind, empty and scalar ones among them. */
export const everyKind = new Map<string, StoredTensor>([
  ["f64", { dtype: "F64", shape: [2], data: Float64Array.of(Math.PI, -0) }],
  ["f32", { dtype: "F32", shape: [2, 1], data: Float32Array.of(1.5, Number.POSITIVE_INFINITY) }],
  ["f16", { dtype: "F16", shape: [1, 1, 1], data: Uint16Array.of(0x3c00) }],
  ["bf16", { dtype: "BF16", shape: [3], data: Uint16Array.of(0x3f80, 0, 1) }],
  ["i64", { dtype: "I64", shape: [1], data: BigInt64Array.of(-(2n ** 60n)) }],
  ["i32", { dtype: "I32", shape: [1], data: Int32Array.of(-7) }],
  ["i16", { dtype: "I16", shape: [1], data: Int16Array.of(-300) }],
  ["i8", { dtype: "I8", shape: [1], data: Int8Array.of(-3) }],
  ["u8", { dtype: "U8", shape: [2], data: Uint8Array.of(0, 255) }],
  ["bool", { dtype: "BOOL", shape: [2], data: Uint8Array.of(1, 0) }],
  ["scalar", { dtype: "F32", shape: [], data: Float32Array.of(9) }],
  ["empty", { dtype: "F32", shape: [0, 5], data: new Float32Array(0) }],
]);

/** Bytes of data, so many that the objects of a header and what the engine compiles in between are few beside them. */
const BULK = 1_000_000;

/** Memory of objects and of arrays that are in use, or were and are not collected yet. */
function allocatedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** What became of a changed file: its tensors lie within it, or the refusal has a type. */
function isRead(file: Uint8Array): boolean {
  const before = allocatedBytes();
  try {
    const { tensors } = readSafetensors(file, "mutant");
    const bytes = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    assert.ok(bytes < file.length);
    return true;
  } catch (error) {
    assert.instance(error, FormatError);
    return false;
  } finally {
    const grown = allocatedBytes() - before; // a collection in between makes it smaller
    assert.ok(grown <= 2 * file.length, `a file of ${file.length} bytes made the reader allocate ${grown}`);
  }
}

/**
 * Asserts of so many randomly changed files that they are read or refused by a FormatError, with no more memory than twice the file.
 * Bytes are changed and ends cut; nine changes of ten hit the header.
 *
 * @returns how many were read and refused
 */
export function checkMutants(numRuns: number): { read: number; refused: number } {
  const bulk: StoredTensor = { dtype: "U8", shape: [BULK], data: new Uint8Array(BULK) };
  const valid = writeSafetensors(new Map([...everyKind, ["zz", bulk]]), new Map([["step", "12"]]));
  const file = valid.slice();
  const header = valid.length - BULK;
  const place = fc.oneof(
    { weight: 9, arbitrary: fc.nat(header - 1) },
    { weight: 1, arbitrary: fc.nat(valid.length - 1) },
  );
  const change = fc.record({ at: place, byte: fc.nat(255), cut: fc.boolean() });
  const counts = { read: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      file.set(valid.subarray(0, header)); // undoes the changes of before; those of the data do not matter
      let { length } = file;
      for (const { at, byte, cut } of changes) {
        if (cut && byte < 32) length -= byte;
        else file[at] = byte;
      }
      counts[isRead(file.subarray(0, length)) ? "read" : "refused"]++;
    }),
    { numRuns },
  );
  return counts;
}
