import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, FormatError } from "../../src/errors.js";
import { readEncoder, writeEncoder } from "../../src/export/encoder-file.js";
import { importEncoder } from "../../src/export/import-encoder.js";
import { toPublished } from "../../src/export/stock.js";
import { type StoredTensor, writeSafetensors } from "../../src/formats/safetensors.js";
import type { Encoder } from "../../src/models/encoder.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { numbers } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();

const encoder = tinyEncoder();
const options = {
  family: "vit",
  names: "official",
  headDim: 8,
  mean: encoder.spec.mean,
  std: encoder.spec.std,
} as const;
const imagesOf = (side: number) => fromArray(numbers([2, 3, side, side], 4), [2, 3, side, side]);
const features = ({ backbone }: Encoder, side = 16) => [
  ...step(() => backbone.forward(imagesOf(side)).classToken.toArray()),
];

function fileOf(tensors: ReadonlyMap<string, StoredTensor>): string {
  const path = join(tempFolder(), "published.safetensors");
  writeFileSync(path, writeSafetensors(tensors));
  return path;
}

const published = fileOf(toPublished(encoder, { prefix: "teacher.backbone.", chunks: 2 }));

test("a published checkpoint gives the encoder that it was written from, frozen, and as a file", () => {
  const imported = importEncoder(published, options).encoder;
  assert.equal(imported.spec, encoder.spec);
  assert.equal(features(imported), features(encoder));
  assert.not.ok(imported.backbone.parameters().some((x) => x.tracked));
  const path = join(tempFolder(), "own.safetensors");
  writeEncoder(path, imported);
  assert.equal(features(readEncoder(path)), features(encoder));
});

test("half and double precision are read as float32", () => {
  const double = new Map(
    [...toPublished(encoder)].map(([name, { shape, data }]) => [
      name,
      { dtype: "F64", shape, data: Float64Array.from(data as Float32Array) } as StoredTensor,
    ]),
  );
  assert.equal(features(importEncoder(fileOf(double), options).encoder), features(encoder));
});

test("positions are resized for another image size, as the network itself resizes them", () => {
  const { encoder: larger } = importEncoder(published, { ...options, imageSize: 24 });
  assert.is(larger.spec.imageSize, 24);
  assert.equal(larger.backbone.stateDict().get("pos_embed")!.shape, [1, 37, 16]);
  assert.equal(features(larger, 24), features(encoder, 24));
  const same = importEncoder(published, { ...options, imageSize: 16 }).encoder;
  assert.equal(features(same), features(encoder));
});

test("an image size that patches do not fill is refused, and nothing stays in memory", () => {
  const before = memory().persistentBytes;
  for (const imageSize of [18, 2]) {
    refuses(
      () => importEncoder(published, { ...options, imageSize }),
      ConfigError,
      "not a multiple of the patch size 4",
    );
  }
  assert.is(memory().persistentBytes, before);
});

test("integers in the place of weights are refused by name", () => {
  const tensors = toPublished(encoder);
  tensors.set("norm.norm.bias", { dtype: "I32", shape: [16], data: new Int32Array(16) });
  refuses(() => importEncoder(fileOf(tensors), options), FormatError, "norm.bias holds I32");
});
