import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { DataError, FormatError } from "../../src/errors.js";
import { type StoredTensor, writeSafetensors } from "../../src/formats/safetensors.js";
import { readSealable, readSealed, replaceSealed } from "../../src/train/sealed-file.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const tensorsOf = (...values: number[]) =>
  new Map<string, StoredTensor>([["x", { dtype: "F32", shape: [values.length], data: Float32Array.from(values) }]]);

test("a file holds what was written, and its bytes are a function of that", () => {
  const folder = tempFolder();
  const [a, b] = ["a", "b"].map((name) => join(folder, name));
  for (const path of [a, b]) replaceSealed(path, tensorsOf(1, 2), new Map([["step", "7"]]));
  const { tensors, metadata } = readSealed(a);
  assert.equal([...tensors.get("x")!.data], [1, 2]);
  assert.is(metadata.get("step"), "7");
  assert.ok(readFileSync(a).equals(readFileSync(b)));
});

test("a file is replaced whole, and nothing else is left", () => {
  const folder = tempFolder();
  const path = join(folder, "state");
  replaceSealed(path, tensorsOf(1), new Map());
  replaceSealed(path, tensorsOf(2, 3), new Map());
  assert.equal([...readSealed(path).tensors.get("x")!.data], [2, 3]);
  assert.equal(readdirSync(folder), ["state"]);
});

test("any changed byte is noticed", () => {
  const path = join(tempFolder(), "state");
  replaceSealed(path, tensorsOf(1, 2, 3), new Map([["step", "7"]]));
  const whole = readFileSync(path);
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at] ^= 1;
    writeFileSync(path, changed);
    refuses(() => readSealed(path), FormatError, path);
  }
});

test("a file that is not there is missing data, and nowhere to write leaves nothing", () => {
  const path = join(tempFolder(), "state");
  refuses(() => readSealed(path), DataError, "cannot be read");
  const nowhere = join(path, "state");
  assert.throws(() => replaceSealed(nowhere, tensorsOf(1), new Map()));
  assert.not.ok(existsSync(nowhere));
});

test("a file without a seal can be read where others may have written it, and one with a seal is held to it", () => {
  const path = join(tempFolder(), "x");
  writeFileSync(path, writeSafetensors(tensorsOf(4), new Map()));
  assert.equal([...readSealable(path).tensors.get("x")!.data], [4]);
  refuses(() => readSealed(path), FormatError, "do not match their checksum");
  replaceSealed(path, tensorsOf(4), new Map());
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(path, bytes);
  refuses(() => readSealable(path), FormatError, "do not match their checksum");
});
