import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { EdgeEncoder, loadEncoder } from "../../src/edge.js";
import { encoderBundle } from "../../src/export/encoder-bundle.js";
import { writeEncoder } from "../../src/export/encoder-file.js";
import { unpackBundle } from "../../src/formats/bundle.js";
import { sliceEncoder } from "../../src/models/encoder.js";
import { init } from "../../src/runtime/context.js";
import { close } from "../support/close.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();

test("a bundle holds the bytes of the encoder's file, in either type of weights", () => {
  const path = join(tempFolder(), "encoder.safetensors");
  for (const dtype of ["f32", "f16"] as const) {
    writeEncoder(path, tinyEncoder(), undefined, dtype);
    const held = unpackBundle(encoderBundle(tinyEncoder(), { dtype }), "bundle");
    assert.equal(Buffer.from(held), readFileSync(path));
  }
});

test("a bundle of a part of a network gives the features of that part", async () => {
  const part = sliceEncoder(tinyEncoder(), { width: 8, depth: 1 });
  const image = { data: Uint8Array.from({ length: 3 * 16 * 16 }, (_, i) => (7 * i) % 256), width: 16, height: 16 };
  const expected = new EdgeEncoder(part).embed(image);
  const loaded = await loadEncoder(encoderBundle(part));
  close(loaded.embed(image), expected, 1e-6, "features");
});

test("a bundle that was never a file gives back the network that it was made of", async () => {
  const encoder = tinyEncoder();
  const loaded = await loadEncoder(encoderBundle(encoder));
  assert.equal(loaded.spec, encoder.spec);
});
