import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { loadEncoder } from "../../src/edge.js";
import { encoderBundle } from "../../src/export/encoder-bundle.js";
import { writeEncoder } from "../../src/export/encoder-file.js";
import { unpackBundle } from "../../src/formats/bundle.js";
import { init } from "../../src/runtime/context.js";
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

test("a bundle that was never a file gives back the network that it was made of", async () => {
  const encoder = tinyEncoder();
  const loaded = await loadEncoder(encoderBundle(encoder));
  assert.equal(loaded.spec, encoder.spec);
});
