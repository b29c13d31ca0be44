import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { DTypeError, FormatError, ShapeError } from "../../src/errors.js";
import {
  readSafetensors,
  type StoredTensor,
  safetensorsBytes,
  safetensorsParts,
  toFloat32,
  writeSafetensors,
} from "../../src/formats/safetensors.js";
import { checkMutants, everyKind } from "../support/safetensors-mutants.js";
import { test } from "../support/test.js";

/** A file with this header text (its true length in front) and this many data bytes. */
function fileOf(header: string | Uint8Array, dataBytes = 0, declaredLength?: number): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(declaredLength ?? text.length), true);
  file.set(text, 8);
  return file;
}

function headerOf(file: Uint8Array): string {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  return new TextDecoder().decode(file.subarray(8, 8 + length));
}

test("every dtype comes back as it was written, with the metadata", () => {
  const metadata = new Map([
    ["format", "pt"],
    ["ünïcode", 'a "quoted"\nline'],
  ]);
  const read = readSafetensors(writeSafetensors(everyKind, metadata), "memory");
  assert.equal(read.metadata, metadata);
  assert.is(read.tensors.size, everyKind.size);
  for (const [name, tensor] of everyKind) assert.equal(read.tensors.get(name), tensor, name);
});

test("the bytes do not depend on the order in which tensors and metadata were given", () => {
  const metadata = new Map([
    ["b", "2"],
    ["a", "1"],
  ]);
  const there = writeSafetensors(everyKind, metadata);
  const back = writeSafetensors(new Map([...everyKind].reverse()), new Map([...metadata].reverse()));
  assert.equal(there, back);
});

test("a small file has exactly the bytes that the format describes", () => {
  const file = writeSafetensors(
    new Map<string, StoredTensor>([
      ["b", { dtype: "U8", shape: [1], data: Uint8Array.of(7) }],
      ["a", { dtype: "I32", shape: [1, 2], data: Int32Array.of(1, 2) }],
    ]),
    new Map([["k", "v"]]),
  );
  const header =
    '{"__metadata__":{"k":"v"},"a":{"dtype":"I32","shape":[1,2],"data_offsets":[0,8]},' +
    '"b":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}}';
  assert.is(headerOf(file).trimEnd(), header);
  assert.is(headerOf(file).length % 8, 0);
  assert.equal([...file.subarray(-9)], [1, 0, 0, 0, 2, 0, 0, 0, 7]);
});

test("the parts of a file are views of the tensors and add up to the file", () => {
  const parts = safetensorsParts(everyKind);
  assert.equal(Buffer.concat(parts), Buffer.from(writeSafetensors(everyKind)));
  assert.ok(parts.some((part) => part.buffer === everyKind.get("f64")!.data.buffer));
});

test("tensors of a file in an aligned buffer are views, of a file elsewhere equal copies", () => {
  const file = writeSafetensors(everyKind);
  const shifted = new Uint8Array(file.length + 1);
  shifted.set(file, 1);
  const views = readSafetensors(file, "memory").tensors;
  const copies = readSafetensors(Buffer.from(shifted.buffer, 1), "memory").tensors;
  for (const [name, { data }] of views) {
    assert.is(data.buffer, file.buffer, name);
    assert.equal(copies.get(name)!.data, data, name);
  }
});

test("a file written by another program is read", () => {
  const path = new URL("../../../test/fixtures/safetensors/koleo.safetensors", import.meta.url);
  const { tensors } = readSafetensors(readFileSync(path), "koleo.safetensors");
  assert.equal(
    [...tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`),
    ["out64.loss F64 1", "grad64.in.x F64 9,12", "in.x F32 9,12", "out.loss F32 1", "grad.in.x F32 9,12"],
  );
  const [single, double] = [tensors.get("out.loss")!, tensors.get("out64.loss")!];
  assert.ok(Math.abs(toFloat32(single)[0] - toFloat32(double)[0]) < 1e-5);
  assert.not.equal(toFloat32(single)[0], 0);
});

test("names that objects treat specially are ordinary names", () => {
  const names = ["__proto__", "constructor", "toString", "1", "0", ""];
  const one: StoredTensor = { dtype: "U8", shape: [1], data: Uint8Array.of(1) };
  const { tensors } = readSafetensors(writeSafetensors(new Map(names.map((name) => [name, one]))), "memory");
  assert.equal([...tensors.keys()].sort(), [...names].sort());
  assert.is(({} as { dtype?: string }).dtype, undefined);
});

const u8 = (begin: number, end: number) => `{"dtype":"U8","shape":[${end - begin}],"data_offsets":[${begin},${end}]}`;

/** [rule that is broken, file, part of the message] */
const mutants: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["a file shorter than its length field", new Uint8Array(7), /8 bytes of header length; found 7 bytes/],
  ["a header longer than the limit", fileOf("{}", 0, 100_000_001), /at most 100000000 bytes; found 100000001/],
  ["a header length beyond 2^53", fileOf("{}", 0, 2 ** 63), /at most 100000000 bytes/],
  ["a header longer than the file", fileOf("{}", 10, 13), /a header of 13 bytes in a file of 20/],
  ["an empty header", fileOf(""), /starts with \{; found an empty header/],
  ["a header that does not start with {", fileOf(" {}"), /starts with \{; found byte 0x20/],
  ["a header that is not UTF-8", fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)), /is UTF-8/],
  ["a header that is not JSON", fileOf('{"a":}'), /is JSON/],
  ["a string that does not end", fileOf('{"a'), /is JSON/],
  ["text after the header object", fileOf("{}{}"), /is JSON/],
  ["a tensor name twice", fileOf(`{"a":${u8(0, 1)},"a":${u8(1, 2)}}`, 2), /unique; found "a" twice/],
  ["a tensor name twice, once escaped", fileOf(`{"a":${u8(0, 1)},"\\u0061":${u8(1, 2)}}`, 2), /unique/],
  [
    "a field twice",
    fileOf('{"a":{"dtype":"U8","shape":[1],"shape" \n\t                    :[2],"data_offsets":[0,2]}}', 2),
    /unique/,
  ],
  ["deep nesting", fileOf(`{"a":${"[".repeat(50_000)}`), /at most 3 levels/],
  ["metadata that is no object", fileOf('{"__metadata__":["a"]}'), /__metadata__ is an object/],
  ["metadata with a number", fileOf('{"__metadata__":{"step":1}}'), /strings to strings; found step: 1/],
  ["a tensor that is no object", fileOf('{"a":null}'), /tensor "a" has dtype, shape and data_offsets only; found null/],
  ["a missing field", fileOf('{"a":{"dtype":"U8","shape":[]}}', 1), /found \{dtype, shape\}/],
  [
    "a field too many",
    fileOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":0}}', 1),
    /found \{data_offsets, dtype, shape, x\}/,
  ],
  [
    "an unknown dtype",
    fileOf('{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', 1),
    /F64 .*found "F8_E4M3"/,
  ],
  [
    "a dtype named like an object method",
    fileOf('{"a":{"dtype":"toString","shape":[1],"data_offsets":[0,1]}}', 1),
    /found "toString"/,
  ],
  [
    "a negative extent",
    fileOf('{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}', 1),
    /whole numbers; found \[-1\]/,
  ],
  [
    "a broken extent",
    fileOf('{"a":{"dtype":"U8","shape":[0.5],"data_offsets":[0,1]}}', 1),
    /whole numbers; found \[0.5\]/,
  ],
  [
    "a size that overflows",
    fileOf('{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}'),
    /can be stored/,
  ],
  [
    "an offset beyond 2^53",
    fileOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,9007199254740993]}}', 1),
    /data_offsets \[begin, end\]/,
  ],
  [
    "three offsets",
    fileOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}', 1),
    /begin <= end; found \[0,1,1\]/,
  ],
  [
    "begin after end",
    fileOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}', 1),
    /begin <= end; found \[1,0\]/,
  ],
  [
    "a size that does not fit the shape",
    fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,3]}}', 3),
    /takes 4 bytes/,
  ],
  ["an overlap", fileOf(`{"a":${u8(0, 2)},"b":${u8(1, 3)}}`, 3), /without hole or overlap; found "b" at 1 after 2/],
  ["a hole", fileOf(`{"a":${u8(0, 1)},"b":${u8(2, 3)}}`, 3), /without hole or overlap; found "b" at 2 after 1/],
  ["a hole at the start", fileOf(`{"a":${u8(1, 2)}}`, 2), /without hole or overlap; found "a" at 1 after 0/],
  ["trailing bytes", fileOf(`{"a":${u8(0, 1)}}`, 2), /1 bytes described, 2 bytes present/],
  ["missing bytes", fileOf(`{"a":${u8(0, 3)}}`, 2), /3 bytes described, 2 bytes present/],
];

for (const [rule, file, message] of mutants) {
  test(`${rule} is refused by name`, () => {
    assert.throws(
      () => readSafetensors(file, "weights.safetensors"),
      (error: Error) =>
        error instanceof FormatError && /weights\.safetensors/.test(error.message) && message.test(error.message),
    );
  });
}

test("a message stays short however long the broken header is", () => {
  const file = fileOf(`{"${"x".repeat(100_000)}":1}`);
  assert.throws(
    () => readSafetensors(file, "a"),
    (error: Error) => error instanceof FormatError && error.message.length < 1000,
  );
});

test("a header full of quotes is refused in linear time", () => {
  const start = performance.now();
  assert.throws(
    () => readSafetensors(fileOf(`{${'"\\"'.repeat(700_000)}`), "a"),
    (error: Error) => error instanceof FormatError,
  );
  assert.ok(performance.now() - start < 5000);
});

test("after any of 5,000 random changes a file is read or refused, never otherwise, with no more memory than twice the file", () => {
  const { read, refused } = checkMutants(5000);
  assert.ok(read > 100 && refused > 1000, `${read} read, ${refused} refused`);
});

test("a header that claims much is refused before room is made for it", () => {
  const shape = '"shape":[1073741824,1048576],"data_offsets":[0,4503599627370496]';
  for (const file of [fileOf("{}", 0, 99_999_999), fileOf(`{"a":{"dtype":"F32",${shape}}}`, 4)]) {
    const before = process.memoryUsage().arrayBuffers;
    assert.throws(
      () => readSafetensors(file, "claims"),
      (error: Error) => error instanceof FormatError,
    );
    assert.ok(process.memoryUsage().arrayBuffers - before < 10_000);
  }
});

test("half-precision values become the float32 values that they stand for", () => {
  const f16 = Uint16Array.of(0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x03ff, 0x0400, 0x7c00, 0xfc00, 0x3555);
  const half = toFloat32({ dtype: "F16", shape: [11], data: f16 });
  const expected = [0, -0, 1, -2, 65504, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, Infinity, -Infinity, 0.333251953125];
  assert.ok(
    expected.every((value, i) => Object.is(half[i], value)),
    `${half}`,
  );
  assert.ok(Number.isNaN(toFloat32({ dtype: "F16", shape: [1], data: Uint16Array.of(0x7e00) })[0]));
  const bf16 = toFloat32({ dtype: "BF16", shape: [4], data: Uint16Array.of(0x3f80, 0xc040, 0x7f80, 0x0001) });
  assert.equal([...bf16], [1, -3, Infinity, 2 ** -133]);
  assert.equal([...toFloat32({ dtype: "F64", shape: [1], data: Float64Array.of(0.1) })], [Math.fround(0.1)]);
  assert.throws(
    () => toFloat32({ dtype: "I32", shape: [1], data: Int32Array.of(1) }),
    (error: Error) => error instanceof DTypeError,
  );
});

test("what does not fit together is not written", () => {
  const write = (tensor: StoredTensor, name = "a") => writeSafetensors(new Map([[name, tensor]]));
  assert.throws(
    () => write({ dtype: "F32", shape: [3], data: new Float32Array(2) }),
    (error: Error) => error instanceof ShapeError && /a has shape \[3\] but 2 elements/.test(error.message),
  );
  assert.throws(
    () => write({ dtype: "F16", shape: [2], data: new Float32Array(2) }),
    (error: Error) =>
      error instanceof DTypeError && /a is F16, kept in a Uint16Array, but came as Float32Array/.test(error.message),
  );
  assert.throws(
    () => write({ dtype: "U8", shape: [1], data: new Uint8Array(1) }, "__metadata__"),
    (error: Error) => error instanceof FormatError,
  );
});

test("the size of a file is told from shapes alone", () => {
  const metadata = new Map([["about", 'ünïcode " and \\']]);
  for (const tensors of [everyKind, new Map<string, StoredTensor>()]) {
    const outlines = new Map([...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
    assert.is(safetensorsBytes(outlines, metadata), writeSafetensors(tensors, metadata).length);
    assert.is(safetensorsBytes(outlines), writeSafetensors(tensors).length);
  }
});
