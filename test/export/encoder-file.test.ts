import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DataError, FormatError } from "../../src/errors.js";
import { encoderFileBytes, readEncoder, writeEncoder } from "../../src/export/encoder-file.js";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../../src/formats/safetensors.js";
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
const path = join(tempFolder(), "encoder.safetensors");
const size = writeEncoder(path, encoder);
const images = fromArray(numbers([2, 3, 16, 16], 4), [2, 3, 16, 16]);

const features = ({ backbone }: Encoder) => [...step(() => backbone.forward(images).classToken.toArray())];

/** The file with other tensors or metadata, under another name. */
function rewritten(
  change: (tensors: Map<string, StoredTensor>, metadata: Map<string, string>) => void,
  name = "changed.safetensors",
): string {
  const { tensors, metadata } = readSafetensors(readFileSync(path), path);
  change(tensors, metadata);
  const changed = join(tempFolder(), name);
  writeFileSync(changed, writeSafetensors(tensors, metadata));
  return changed;
}

test("an encoder that is read gives the features of the one that was written, to the bit", () => {
  assert.is(size, readFileSync(path).length);
  const read = readEncoder(path);
  assert.equal(read.spec, encoder.spec);
  assert.equal(features(read), features(encoder));
  assert.not.ok(read.backbone.parameters().some((x) => x.tracked));
});

test("equal encoders give equal bytes", () => {
  const again = join(tempFolder(), "again");
  writeEncoder(again, readEncoder(path));
  assert.ok(readFileSync(again).equals(readFileSync(path)));
});

test("of a checkpoint's teacher the backbone is taken, its heads are left out", () => {
  const teacher = rewritten((tensors) => {
    const head: StoredTensor = { dtype: "F32", shape: [2], data: Float32Array.of(1, 2) };
    const own = [...tensors];
    tensors.clear();
    for (const [name, x] of own) tensors.set(`backbone.${name}`, x);
    tensors.set("dino_head.last_layer0.weight_g", head);
    tensors.set("dino_loss.center_0", head);
  });
  assert.equal(features(readEncoder(teacher)), features(encoder));
});

test("half-precision weights are widened", () => {
  const half = rewritten((tensors) => {
    for (const [name, { shape, data }] of [...tensors]) {
      const bits = new Uint32Array((data as Float32Array).slice().buffer);
      tensors.set(name, { dtype: "BF16", shape, data: Uint16Array.from(bits, (word) => word >>> 16) });
    }
  });
  const read = features(readEncoder(half));
  for (const [i, value] of features(encoder).entries()) assert.ok(Math.abs(value - read[i]) < 0.2 && value !== read[i]);
});

test("a file that is not there, or is no safetensors file, is an error that names it", () => {
  refuses(() => readEncoder("/nowhere/x"), DataError, "/nowhere/x cannot be read");
  const text = join(tempFolder({ text: "hello there, no tensors" }), "text");
  refuses(() => readEncoder(text), FormatError, text);
});

test("a file that does not say which network it holds is refused with the way out", () => {
  const anonymous = rewritten((_, metadata) => void metadata.delete("poa.model"));
  refuses(() => readEncoder(anonymous), FormatError, "Extract it with `poa subnets extract`");
});

test("a spec that cannot be used is refused before anything is built from it", () => {
  const { spec } = encoder;
  for (const text of [
    "{",
    "null",
    "3",
    JSON.stringify({ ...spec, width: -8 }),
    JSON.stringify({ ...spec, depth: 1.5 }),
    JSON.stringify({ ...spec, width: 2 ** 40 }),
    JSON.stringify({ ...spec, headDim: "8" }),
    JSON.stringify({ ...spec, imageSize: undefined }),
    JSON.stringify({ ...spec, mlpRatio: 0 }),
    JSON.stringify({ ...spec, mean: [0.5] }),
    JSON.stringify({ ...spec, std: undefined }),
    JSON.stringify({ ...spec, sliceScale: 1 }),
  ]) {
    const file = rewritten((_, metadata) => void metadata.set("poa.model", text));
    refuses(() => readEncoder(file), FormatError, file);
  }
});

test("tensors that are not those of the spec are refused with all differences", () => {
  for (const [change, message] of [
    [(tensors) => void tensors.delete("blocks.1.norm1.weight"), "missing blocks.1.norm1.weight"],
    [(tensors) => void tensors.set("extra", tensors.get("norm.bias")!), "unexpected extra"],
    [(tensors) => void tensors.set("cls_token", tensors.get("norm.bias")!), "cls_token is [16], expected [1, 1, 16]"],
  ] as [(tensors: Map<string, StoredTensor>) => void, string][]) {
    const file = rewritten(change);
    refuses(() => readEncoder(file), FormatError, message);
    refuses(() => readEncoder(file), FormatError, file);
  }
  const whole = rewritten((tensors) => {
    tensors.set("norm.bias", { dtype: "I32", shape: [16], data: new Int32Array(16) });
  });
  refuses(() => readEncoder(whole), FormatError, "I32");
  const narrower = rewritten(
    (_, metadata) => void metadata.set("poa.model", JSON.stringify({ ...encoder.spec, width: 8 })),
  );
  refuses(() => readEncoder(narrower), FormatError, "its tensors are not those of the network it names");
});

test("a small file that names a huge network is refused before memory is taken for it", () => {
  const before = memory().heapBytes;
  for (const change of [
    { width: 16_384 },
    { depth: 60_000 },
    { mlpRatio: 1e6 },
    { channels: 3, patchSize: 8192, imageSize: 8192 },
  ]) {
    const text = JSON.stringify({ ...encoder.spec, ...change });
    const file = rewritten((_, metadata) => void metadata.set("poa.model", text));
    refuses(() => readEncoder(file), FormatError, "which is larger");
  }
  assert.is(memory().heapBytes, before);
});

test("hostile specs of every family are refused before memory is taken for them", () => {
  const images = { channels: 3, imageSize: 16, mean: encoder.spec.mean, std: encoder.spec.std };
  const swin = {
    ...{ family: "swin", patchSize: 2, width: 8, embedWidth: 8, depths: [1, 1, 1, 1], headDim: 4, windowSize: 2 },
    ...{ shifts: [[false], [false], [false], [false]], mlpRatio: 4, qkvBias: true, shiftSmallMaps: true },
    ...{ patchScale: 2, ...images },
  };
  const resnet = {
    ...{ family: "resnet", stemChannels: 4, outChannels: 16, width: 4, depths: [1, 1, 1, 1], strides: [1, 2, 2, 2] },
    ...{ norm: "group", groups: 2, patchScale: 2, ...images },
  };
  const before = memory().heapBytes;
  for (const spec of [
    { ...swin, width: 65536, embedWidth: 65536 },
    { ...swin, depths: [1, 1, 60_000, 1] },
    { ...swin, depths: [1, 1, 1e9, 1] },
    { ...swin, depths: [1, 1, 1] },
    { ...swin, shifts: [[false], [], [false], [false]] },
    { ...swin, shifts: "odd" },
    { ...swin, windowSize: 60_000 },
    { ...swin, embedWidth: 4 },
    { ...swin, headDim: 3 },
    { ...swin, patchScale: 3 },
    { ...resnet, outChannels: 65536 },
    { ...resnet, width: 65536 },
    { ...resnet, depths: [1, 60_000, 1, 1] },
    { ...resnet, depths: {} },
    { ...resnet, strides: [1, 2, 2, 0] },
    { ...resnet, norm: "layer" },
    { ...resnet, groups: 3 },
    { ...resnet, block: "wide" },
    { ...resnet, family: "__proto__" },
    { ...resnet, family: ["resnet"] },
  ]) {
    const file = rewritten((_, metadata) => void metadata.set("poa.model", JSON.stringify(spec)));
    refuses(() => readEncoder(file), FormatError, file);
  }
  assert.is(memory().heapBytes, before);
});

test("the size of a file is known without writing it, with and without provenance", () => {
  assert.is(encoderFileBytes(encoder.spec), size);
  const provenance = { method: "POA", seed: 3, network: "16x2" };
  const described = join(tempFolder(), "described.safetensors");
  assert.is(encoderFileBytes(encoder.spec, provenance), writeEncoder(described, encoder, provenance));
});
