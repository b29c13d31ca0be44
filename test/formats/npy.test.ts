import { readFileSync } from "node:fs";
import fc from "fast-check";
import * as assert from "uvu/assert";
import { FormatError, ShapeError } from "../../src/errors.js";
import { type NpyArray, readNpy, writeNpy } from "../../src/formats/npy.js";
import { test } from "../support/test.js";

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../../test/fixtures/npy/${name}`, import.meta.url)));
}

const saved: readonly (readonly [string, readonly number[], NpyArray])[] = [
  ["f4-2x3.npy", [2, 3], Float32Array.of(0, 1.5, -2, 3.25, Number.POSITIVE_INFINITY, 1e-3)],
  ["f8-0x4.npy", [0, 4], new Float64Array(0)],
  ["i4-2x1x2.npy", [2, 1, 2], Int32Array.of(1, -2, 3, 2147483647)],
  ["i8-3.npy", [3], BigInt64Array.of(1n, -2n, 9007199254740993n)],
  ["u1-scalar.npy", [], Uint8Array.of(200)],
];

for (const [name, shape, data] of saved) {
  test(`${name} of numpy is read, and written with the same bytes`, () => {
    const file = fixture(name);
    assert.equal(readNpy(file, name), { shape, data });
    assert.equal(Buffer.from(writeNpy(data, shape)), Buffer.from(file));
  });
}

function withByte(at: number, byte: number): Uint8Array {
  const file = fixture("f4-2x3.npy").slice();
  file[at] = byte;
  return file;
}

function replaced(from: string, to: string): Uint8Array {
  return Buffer.from(Buffer.from(fixture("f4-2x3.npy")).toString("latin1").replace(from, to), "latin1");
}

const mutants: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["an empty file", new Uint8Array(0), /starts with/],
  ["another magic number", withByte(0, 0), /starts with/],
  ["version 2.0", withByte(6, 2), /version 1.0/],
  ["a header beyond the file", fixture("f4-2x3.npy").subarray(0, 60), /header ends inside the file/],
  ["a header that is no dictionary", replaced("{'descr'", "{'descx'"), /the header is/],
  ["another element type", fixture("f2.npy"), /one of <f4 <f8 <i4 <i8 \|u1; found <f2/],
  ["big-endian elements", replaced("<f4", ">f4"), /found >f4/],
  ["Fortran order", fixture("fortran.npy"), /C order; found fortran_order True/],
  ["a shape of another size", replaced("(2, 3)", "(2, 4)"), /<f4 \[2, 4\] takes 32 bytes; found 24 bytes/],
  ["missing elements", fixture("f4-2x3.npy").subarray(0, -1), /takes 24 bytes; found 23 bytes/],
  ["trailing bytes", Buffer.concat([fixture("f4-2x3.npy"), Buffer.alloc(1)]), /takes 24 bytes; found 25 bytes/],
  [
    "a size that overflows",
    replaced("(2, 3), } ".padEnd(30), "(99999999999, 9999999999), }".padEnd(30)),
    /takes .* bytes; found 24/,
  ],
];

for (const [rule, file, message] of mutants) {
  test(`${rule} is refused by name`, () => {
    assert.throws(
      () => readNpy(file, "features.npy"),
      (error: Error) =>
        error instanceof FormatError && /features\.npy/.test(error.message) && message.test(error.message),
    );
  });
}

test("elements in an unaligned buffer are copied, in an aligned one viewed", () => {
  const file = writeNpy(Float64Array.of(1, 2), [2]);
  const shifted = new Uint8Array(file.length + 1);
  shifted.set(file, 1);
  assert.is(readNpy(file, "a").data.buffer, file.buffer);
  assert.equal(readNpy(Buffer.from(shifted.buffer, 1), "a"), readNpy(file, "a"));
});

test("after any change of bytes a file is read or refused, and never fails otherwise", () => {
  const valid = fixture("f4-2x3.npy");
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      (changes) => {
        const file = valid.slice();
        for (const [at, byte] of changes) file[at] = byte;
        try {
          assert.is(readNpy(file, "mutant").data.byteLength, 24);
        } catch (error) {
          assert.instance(error, FormatError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test("a shape that does not hold the elements is not written", () => {
  assert.throws(
    () => writeNpy(new Float32Array(5), [2, 3]),
    (error: Error) => error instanceof ShapeError && /\[2, 3\] has 6 elements but the data has 5/.test(error.message),
  );
});
