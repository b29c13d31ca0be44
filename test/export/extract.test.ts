import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { PoaError } from "../../src/errors.js";
import { readEncoder } from "../../src/export/encoder-file.js";
import { extractNetwork } from "../../src/export/extract.js";
import { readSafetensors } from "../../src/formats/safetensors.js";
import { sliceEncoder } from "../../src/models/encoder.js";
import { networkName } from "../../src/models/encoder-spec.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { numbers } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();

const full = tinyEncoder({ width: 32, depth: 3 });
const images = fromArray(numbers([4, 3, 16, 16], 4), [4, 3, 16, 16]);
const networks = [
  { name: "8x1", width: 8, depth: 1 },
  { name: "16x2", width: 16, depth: 2 },
  { name: "24x3", width: 24, depth: 3 },
  { name: "32x3", width: 32, depth: 3 },
];

test("every extracted file gives the features of its slice within 1e-5, and knows its own size", () => {
  const folder = tempFolder();
  for (const network of networks) {
    const extracted = extractNetwork(full, network, { folder, names: "poa", images });
    assert.is(extracted.name, network.name);
    assert.is(extracted.file, join(folder, `${network.name}.safetensors`));
    assert.ok(extracted.maxAbsDiff >= 0 && extracted.maxAbsDiff <= 1e-5, `${extracted.maxAbsDiff}`);
    const read = readEncoder(extracted.file);
    assert.is(networkName(read.spec), network.name);
    const numbersHeld = [...read.backbone.stateDict()].filter(([name]) => name !== "mask_token");
    assert.is(
      extracted.params,
      numbersHeld.reduce((sum, [, x]) => sum + x.numel, 0),
    );
    const [slice, own] = [sliceEncoder(full, network), read].map(
      ({ backbone }) => step(() => backbone.forward(images).classToken.toArray()) as Float32Array,
    );
    const largest = Math.max(...slice.map((value, i) => Math.abs(value - own[i])));
    assert.ok(Math.abs(largest - extracted.maxAbsDiff) < 1e-12, "the printed difference is the real one");
  }
});

test("a file that differs from its slice is refused and not kept; one that was there before stays", () => {
  const poisoned = tinyEncoder({ width: 32, depth: 3 });
  poisoned.backbone.blocks[0].norm1.weight.write(new Float32Array(32).fill(Number.NaN));
  const before = { "8x1.safetensors": "mine", "8x1.timm.safetensors": "mine too" };
  for (const [names, folder, left] of [
    ["poa", tempFolder(), []],
    ["timm", tempFolder(), []],
    ["timm", tempFolder(before), Object.keys(before)],
  ] as const) {
    refuses(
      () => extractNetwork(poisoned, networks[0], { folder, names, images }),
      PoaError,
      "the file of network 8x1 differs from its slice by NaN, more than 0.00001, and is not kept.",
    );
    assert.equal(readdirSync(folder).sort(), left);
    for (const name of left) assert.match(readFileSync(join(folder, name), "utf8"), /^mine/);
  }
});

test("other names come as a file beside ours", () => {
  for (const [names, first] of [
    ["timm", "cls_token"],
    ["torchvision", "class_token"],
  ] as const) {
    const folder = tempFolder();
    const { file } = extractNetwork(full, networks[1], { folder, names, images });
    assert.is(file, join(folder, `16x2.${names}.safetensors`));
    assert.equal(readdirSync(folder).sort(), [`16x2.${names}.safetensors`, "16x2.safetensors"].sort());
    const { tensors, metadata } = readSafetensors(readFileSync(file), file);
    assert.ok(tensors.has(first));
    assert.not.ok(tensors.has("mask_token"));
    assert.is(metadata.get("format"), "pt");
  }
});

test("extracting leaves the full encoder and the memory as they were", () => {
  const before = [...step(() => full.backbone.forward(images).classToken.toArray())];
  extractNetwork(full, networks[0], { folder: tempFolder(), names: "poa", images });
  const used = memory().persistentBytes;
  extractNetwork(full, networks[0], { folder: tempFolder(), names: "torchvision", images });
  assert.is(memory().persistentBytes, used);
  assert.equal([...step(() => full.backbone.forward(images).classToken.toArray())], before);
});
