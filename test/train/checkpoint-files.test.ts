import fs, { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { DataError, FormatError, NumericError } from "../../src/errors.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { CheckpointFiles, savedTensors } from "../../src/train/checkpoint-files.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();

const partOf = (...values: number[]) => ({
  name: "model",
  tensors: new Map([["x", fromArray(values, [values.length])]]),
});

test("any parts can be saved, and are read back with their metadata", () => {
  const files = new CheckpointFiles(tempFolder());
  files.write(3, [
    { ...partOf(1, 2), metadata: { "poa.model": "{}" } },
    { ...partOf(4), name: "other" },
  ]);
  const { tensors, metadata } = files.read(3, "model");
  assert.equal(savedTensors(tensors).get("x"), { shape: [2], data: Float32Array.of(1, 2) });
  assert.equal([metadata.get("poa.model"), metadata.get("poa.iteration")], ["{}", "3"]);
  assert.equal([...(savedTensors(files.read(3, "other").tensors).get("x")!.data as Float32Array)], [4]);
});

test("a damaged checkpoint is passed over, and none is left that cannot be read", () => {
  const files = new CheckpointFiles(tempFolder());
  for (const step of [0, 5]) files.write(step, [partOf(step)]);
  const path = join(files.folderOf(5), "model.safetensors");
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(path, bytes);
  refuses(() => files.read(5, "model"), FormatError, "is damaged");
  const warnings: string[] = [];
  const newest = files.newest(
    (step) => files.read(step, "model").metadata.get("poa.iteration"),
    (m) => warnings.push(m),
  );
  assert.equal([newest, warnings.length, files.steps()], ["0", 1, [0]]);
  writeFileSync(join(files.folderOf(0), "model.safetensors"), "");
  refuses(
    () =>
      files.newest(
        (step) => files.read(step, "model"),
        () => {},
      ),
    DataError,
    "none of the 1 checkpoints",
  );
});

test("numbers that are not finite are not saved, and what was saved before stays", () => {
  const files = new CheckpointFiles(tempFolder());
  files.write(1, [partOf(1)]);
  refuses(() => files.write(2, [partOf(Number.NaN)]), NumericError, "lower learning rate");
  assert.equal(files.steps(), [1]);
});

test("a disk that writes something else than it was given is found out before the save counts", () => {
  const files = new CheckpointFiles(tempFolder());
  files.write(1, [partOf(1, 2, 3)]);
  const { writeSync } = fs;
  fs.writeSync = ((file: number, bytes: Uint8Array, ...rest: number[]) => {
    const changed = Uint8Array.from(bytes);
    changed[changed.length - 1] ^= 0x40;
    return (writeSync as (...args: unknown[]) => number)(file, changed, ...rest);
  }) as typeof writeSync;
  syncBuiltinESMExports();
  try {
    refuses(() => files.write(2, [partOf(4, 5, 6)]), FormatError, "reads back differently");
  } finally {
    fs.writeSync = writeSync;
    syncBuiltinESMExports();
  }
  assert.equal(files.steps(), [1]);
  assert.equal(readdirSync(files.path), ["000000001"]);
});

test("pruning keeps step 0, the newest, and those that are named", () => {
  const files = new CheckpointFiles(tempFolder());
  for (let step = 0; step < 6; step++) files.write(step, [partOf(step)]);
  files.prune(2, [1, 4]);
  assert.equal(files.steps(), [0, 1, 4, 5]);
});
