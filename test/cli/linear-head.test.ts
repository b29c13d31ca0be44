import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { openLinearHead } from "../../src/cli/linear-head.js";
import { DataError, FormatError } from "../../src/errors.js";
import { writeSafetensors } from "../../src/formats/safetensors.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { readSealable, replaceSealed } from "../../src/train/sealed-file.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();

const encoder = tinyEncoder();
const folder = tempFolder();
const about = { positions: [1], pooled: false, classes: ["left", "right"] };

/** A classifier of `features` features that looks at the first alone. */
function written(name: string, { features = 16, metadata = JSON.stringify(about), biases = 2 } = {}): string {
  const weight = new Float32Array(2 * features);
  weight[features] = 1;
  const path = join(folder, name);
  const tensors = new Map([
    ["weight", { dtype: "F32", shape: [2, features], data: weight } as const],
    ["bias", { dtype: "F32", shape: [biases], data: new Float32Array(biases) } as const],
  ]);
  writeFileSync(path, writeSafetensors(tensors, new Map([["poa.classifier", metadata]])));
  return path;
}

test("a file, or the folder that holds it, gives the classifier", () => {
  mkdirSync(join(folder, "probe"));
  const path = written("probe/classifier.safetensors");
  for (const place of [path, join(folder, "probe")]) {
    const { classifier, form } = openLinearHead(place, encoder, about.classes);
    assert.is(form, encoder.spec);
    const features = fromArray([2, ...Array(15).fill(9), -2, ...Array(15).fill(9)], [2, 16]);
    assert.equal([...classifier.predict(features)], [1, 0]);
  }
});

test("what does not fit is refused", () => {
  const open = (path: string, classes = about.classes) => openLinearHead(path, encoder, classes);
  refuses(() => open(join(folder, "none")), DataError, "cannot be read");
  refuses(() => open(written("a"), ["left", "up"]), DataError, "tells left, right apart, the images have left, up");
  refuses(() => open(written("b", { features: 20 })), DataError, "it reads 20 features, this one has 16");
  refuses(() => open(written("c", { biases: 3 })), FormatError, "lacks a weight [classes, features] or a bias");
  const far = JSON.stringify({ ...about, positions: [9] });
  refuses(
    () => open(written("d", { metadata: far })),
    DataError,
    "was trained on another network: linear head: layers 9",
  );
  for (const metadata of [
    "",
    "3",
    "{}",
    JSON.stringify({ ...about, positions: [] }),
    JSON.stringify({ ...about, pooled: 1 }),
  ])
    refuses(() => open(written("e", { metadata })), FormatError, "does not say what it reads");
});

test("a classifier that eval linear wrote is held to its checksum", () => {
  const path = join(folder, "sealed");
  const { tensors, metadata } = readSealable(written("f"));
  replaceSealed(path, tensors, metadata);
  assert.is(openLinearHead(path, encoder, about.classes).form, encoder.spec);
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(path, bytes);
  refuses(() => openLinearHead(path, encoder, about.classes), FormatError, "is damaged");
});
