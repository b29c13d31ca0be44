import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { type ImportOptions, importState } from "../../src/export/import-state.js";
import { subEncoder } from "../../src/export/sub-encoder.js";
import { readSafetensors, type StoredTensor, toFloat32 } from "../../src/formats/safetensors.js";
import { buildEncoder, type Encoder } from "../../src/models/encoder.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { test } from "../support/test.js";

await init();

function golden(name: string): Map<string, StoredTensor> {
  const path = new URL(`../../../test/fixtures/golden/${name}.safetensors`, import.meta.url);
  return readSafetensors(readFileSync(path), name).tensors;
}

function imported(tensors: ReadonlyMap<string, StoredTensor>, options: ImportOptions): Encoder {
  const { spec, state } = importState(tensors, "golden", options);
  return buildEncoder(spec, new Map([...state].map(([name, x]) => [name, { shape: x.shape, data: toFloat32(x) }])));
}

/** Compares the class features of the images of a case with one of its outputs. */
function assertGives({ backbone }: Encoder, file: Map<string, StoredTensor>, output: string): void {
  const { shape, data } = file.get("in.x")!;
  const masks = file.get("in.masks");
  const actual = step(() => {
    const images = fromArray(data as Float32Array, shape);
    return backbone
      .classToken(images, { masks: masks && fromArray(masks.data as Uint8Array, masks.shape, "i32") })
      .toArray();
  });
  const expected = file.get(output)!.data as Float32Array;
  assert.is(actual.length, expected.length);
  for (const [i, value] of actual.entries())
    assert.ok(
      Math.abs(value - expected[i]) <= 2e-5 + 1e-4 * Math.abs(expected[i]),
      `${output}: ${value}, ${expected[i]}`,
    );
}

/** The file of the extraction tool that a case holds. */
const extracted = (file: Map<string, StoredTensor>) =>
  new Map([...file].filter(([n]) => n.startsWith("extracted.")).map(([n, x]) => [n.slice("extracted.".length), x]));

test("a ViT that the published tool extracted gives its outputs, the full one cut here the same", () => {
  const file = golden("vit_extract_base");
  const options = { family: "vit", names: "official", headDim: 8 } as const;
  assertGives(imported(extracted(file), options), file, "out.extracted.x_norm_clstoken");
  const full = imported(golden("vit.params"), options);
  assertGives(subEncoder(full, "24x3"), file, "out.x_norm_clstoken");
});

test("a Swin that the published tool extracted gives what the published code makes of it, the full one cut here is exact", () => {
  const file = golden("swin_extract_tiny");
  const options = { family: "swin", names: "official", imageSize: 64 } as const;
  assertGives(imported(extracted(file), options), file, "out.extracted_alternating_shift.x_norm_clstoken");
  const full = imported(golden("swin.params"), options);
  assertGives(subEncoder(full, "4x2"), file, "out.inplace.x_norm_clstoken");
});

test("a ResNet under torchvision's names with group norms gives torchvision's outputs, the full one cut here the same", () => {
  const file = golden("resnet_extract_w4_d1_2");
  const options = { family: "resnet", imageSize: 64, groups: 2 } as const;
  assertGives(imported(extracted(file), { ...options, names: "torchvision" }), file, "out.torchvision");
  const full = imported(golden("resnet.params"), { ...options, names: "official" });
  assertGives(subEncoder(full, "4x1x2"), file, "out.x_norm_clstoken");
});
