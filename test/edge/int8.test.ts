import * as assert from "uvu/assert";
import { loadEncoder } from "../../src/edge.js";
import { FormatError } from "../../src/errors.js";
import { smallestCosine } from "../../src/export/compare.js";
import { encoderBundle } from "../../src/export/encoder-bundle.js";
import { packBundle, unpackBundle } from "../../src/formats/bundle.js";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.js";
import { init } from "../../src/runtime/context.js";
import { noiseImage } from "../support/image-bytes.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();

const images = Array.from({ length: 6 }, (_, seed) => noiseImage({ width: 32, height: 32, seed }));

test("features from weights of eight bits point where those of the network point, in less than half the bytes of f16", async () => {
  for (const network of [tinyEncoder(), tinySwin(), tinyResnet()]) {
    const [wide, narrow] = [encoderBundle(network), encoderBundle(network, { dtype: "int8" })];
    const edges = [await loadEncoder(wide), await loadEncoder(narrow)];
    const [own, rounded] = edges.map((edge) => Float32Array.from(edge.embedBatch(images).flatMap((row) => [...row])));
    assert.ok(smallestCosine(own, rounded, images.length) > 0.999);
    assert.not.equal([...own], [...rounded]);
    for (const edge of edges) edge.dispose();
  }
});

test("the weights behind the first layer have a byte each; a row of them has a scale", () => {
  const content = unpackBundle(encoderBundle(tinyEncoder(), { dtype: "int8" }), "bundle");
  const { tensors } = readSafetensors(content, "bundle");
  const dtypes = (name: string) => tensors.get(name)?.dtype;
  assert.equal([dtypes("blocks.0.attn.qkv.weight"), dtypes("blocks.0.attn.qkv.weight.scale")], ["I8", "F32"]);
  assert.equal([dtypes("patch_embed.proj.weight"), dtypes("blocks.0.attn.qkv.bias")], ["F32", "F32"]);
});

test("bytes without their scales are refused", async () => {
  const { tensors, metadata } = readSafetensors(
    unpackBundle(encoderBundle(tinyEncoder(), { dtype: "int8" }), "bundle"),
    "bundle",
  );
  tensors.delete("blocks.1.mlp.fc1.weight.scale");
  const broken = packBundle(writeSafetensors(tensors, metadata));
  let problem: unknown;
  await loadEncoder(broken).catch((error) => {
    problem = error;
  });
  refuses(
    () => {
      throw problem;
    },
    FormatError,
    "blocks.1.mlp.fc1.weight is of eight bits",
  );
});
