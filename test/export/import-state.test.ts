import * as assert from "uvu/assert";
import { DataError, FormatError } from "../../src/errors.js";
import { importState } from "../../src/export/import-state.js";
import { toPublished } from "../../src/export/stock.js";
import type { StoredTensor } from "../../src/formats/safetensors.js";
import { init } from "../../src/runtime/context.js";
import { refuses } from "../support/refuses.js";
import { torchvisionState } from "../support/stock-names.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();

const encoder = tinyEncoder();
const one: StoredTensor = { dtype: "F32", shape: [1], data: Float32Array.of(1) };
const options = { family: "vit", names: "official", headDim: 8 } as const;

/** The published form of the tiny encoder, changed. */
function changed(change: (tensors: Map<string, StoredTensor>) => void, prefix = ""): Map<string, StoredTensor> {
  const tensors = toPublished(encoder, { prefix });
  change(tensors);
  return tensors;
}

test("whatever a checkpoint is wrapped in, its teacher's backbone is taken", () => {
  const expected = importState(
    changed(() => {}),
    "x",
    options,
  );
  for (const prefix of [
    "",
    "backbone.",
    "teacher.backbone.",
    "teacher.",
    "model.",
    "state_dict.module.",
    "student.backbone.",
  ]) {
    const imported = importState(
      changed(() => {}, prefix),
      "x",
      options,
    );
    assert.equal(imported, expected, prefix);
  }
  assert.is(expected.matched, expected.state.size);
  assert.equal([expected.filled, expected.leftOut, expected.ignored], [[], [], []]);
});

test("heads, the student and an optimiser stand beside the backbone, and are named", () => {
  const tensors = changed((all) => {
    for (const name of [
      "teacher.dino_head.mlp0.0.linear.weight",
      "student.backbone.cls_token",
      "optimizer.state.0.exp_avg",
    ])
      all.set(name, one);
  }, "teacher.backbone.");
  assert.equal(importState(tensors, "x", options).leftOut, [
    "teacher.dino_head.mlp0.0.linear.weight",
    "student.backbone.cls_token",
    "optimizer.state.0.exp_avg",
  ]);
});

test("every difference is listed by its name in the file", () => {
  const tensors = changed((all) => {
    all.delete("teacher.backbone.blocks.1.attn.qkv.linear.weight");
    all.set("teacher.backbone.norm.norm.bias", one);
    all.set("teacher.backbone.head.weight", one);
    all.set("teacher.backbone.register_tokens", one);
  }, "teacher.backbone.");
  for (const line of [
    "x.pth does not fit: 1 missing, 2 unexpected, 1 misshapen.\n",
    "\n  missing teacher.backbone.blocks.1.attn.qkv.linear.weight\n",
    "\n  unexpected teacher.backbone.head.weight\n",
    "\n  unexpected teacher.backbone.register_tokens\n",
    "\n  misshapen teacher.backbone.norm.norm.bias is [1], expected [16]\n",
    "--ignore",
  ])
    refuses(() => importState(tensors, "x.pth", options), DataError, line);
});

test("what may be left over is named, by whole names with *", () => {
  const tensors = changed((all) => {
    for (const name of ["head.weight", "head.bias", "register_tokens"]) all.set(name, one);
  });
  const { ignored, matched, state } = importState(tensors, "x", { ...options, ignore: ["head.*", "register_tokens"] });
  assert.equal(ignored, ["head.weight", "head.bias", "register_tokens"]);
  assert.is(matched, state.size);
  refuses(() => importState(tensors, "x", { ...options, ignore: ["head", "reg.*"] }), DataError, "3 unexpected");
});

test("a tensor of the network is never ignored, a missing one never let go", () => {
  const all = importState(
    changed(() => {}),
    "x",
    { ...options, ignore: ["*"] },
  );
  assert.equal([all.ignored, all.matched], [[], all.state.size]);
  const tensors = changed((map) => void map.delete("norm.norm.bias"));
  refuses(() => importState(tensors, "x", { ...options, ignore: ["*"] }), DataError, "missing norm.norm.bias");
});

test("the mask token, which only training reads, is filled in", () => {
  const { filled, state, matched } = importState(
    changed((map) => void map.delete("mask_token")),
    "x",
    options,
  );
  assert.equal([filled, matched], [["mask_token"], state.size - 1]);
  assert.equal(state.get("mask_token"), { dtype: "F32", shape: [1, 16], data: new Float32Array(16) });
});

test("two tensors of one place, and names of a prototype, are unexpected", () => {
  const twice = changed((map) => void map.set("norm.weight", map.get("norm.norm.weight")!));
  refuses(() => importState(twice, "x", options), DataError, "unexpected norm.weight");
  const strange = changed((map) => void map.set("__proto__", one).set("constructor.prototype.x", one));
  refuses(() => importState(strange, "x", options), DataError, "unexpected __proto__");
});

test("the strict reading of torchvision's ViT wants its classifier ignored", () => {
  const tensors = torchvisionState("vit");
  const stock = { family: "vit", names: "torchvision", headDim: 16 } as const;
  refuses(() => importState(tensors, "x", stock), DataError, "unexpected heads.head.weight");
  const { matched, filled, spec } = importState(tensors, "x", { ...stock, ignore: ["heads.*"] });
  assert.equal([matched, filled, spec.imageSize], [tensors.size - 2, ["mask_token"], 32]);
});

test("the wrong naming is told before anything else", () => {
  refuses(() => importState(torchvisionState("vit"), "x", options), FormatError, "Look at --arch and --names");
});
