import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { DataError, FormatError } from "../../src/errors.js";
import { readWeights, weightsFile } from "../../src/export/initial-weights.js";
import { type StoredTensor, writeSafetensors } from "../../src/formats/safetensors.js";
import { replaceSealed } from "../../src/train/sealed-file.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

/** A file whose tensors hold one number each. */
function fileOf(values: Readonly<Record<string, number>>): string {
  const path = join(tempFolder(), "weights.safetensors");
  const tensors = Object.entries(values).map(([name, value]): [string, StoredTensor] => [
    name,
    { dtype: "F32", shape: [1], data: Float32Array.of(value) },
  ]);
  writeFileSync(path, writeSafetensors(new Map(tensors)));
  return path;
}

const values = (path: string) => Object.fromEntries([...readWeights(path)].map(([name, { data }]) => [name, data[0]]));

test("a run stands for its newest teacher, a checkpoint for its own, a file for itself; another folder for nothing", () => {
  const run = tempFolder({
    "checkpoints/000000000/teacher.safetensors": "",
    "checkpoints/000000012/teacher.safetensors": "",
    "checkpoints/000000013.partial/teacher.safetensors": "",
  });
  const teacherOf = (step: string) => join(run, "checkpoints", step, "teacher.safetensors");
  assert.is(weightsFile(run), teacherOf("000000012"));
  assert.is(weightsFile(join(run, "checkpoints", "000000000")), teacherOf("000000000"));
  assert.is(weightsFile(teacherOf("000000000")), teacherOf("000000000"));
  assert.is(weightsFile(join(run, "nothing")), join(run, "nothing"));
  refuses(() => weightsFile(join(run, "checkpoints", "000000013.partial", "..")), DataError, "holds no checkpoint");
});

test("a checkpoint's file is checked against its checksum", () => {
  const path = join(tempFolder(), "teacher.safetensors");
  const tensors = new Map<string, StoredTensor>([
    ["backbone.norm.bias", { dtype: "F32", shape: [4], data: Float32Array.of(1, 2, 3, 4) }],
  ]);
  replaceSealed(path, tensors, new Map());
  assert.equal(Array.from(readWeights(path).get("backbone.norm.bias")!.data), [1, 2, 3, 4]);
  const bytes = readFileSync(path);
  bytes[bytes.length - 2] ^= 1;
  writeFileSync(path, bytes);
  refuses(() => readWeights(path), FormatError, "its bytes do not match their checksum");
});

test("backbone and heads are taken; running centres and whatever else are left out", () => {
  const path = fileOf({
    "backbone.cls_token": 1,
    "dino_head.mlp0.0.weight": 2,
    "ibot_head.mlp0.0.bias": 3,
    "dino_loss.center_0": 4,
    "optimizer.state": 5,
  });
  assert.equal(values(path), { "backbone.cls_token": 1, "dino_head.mlp0.0.weight": 2, "ibot_head.mlp0.0.bias": 3 });
});

test("published names become ours", () => {
  const path = fileOf({
    "teacher.backbone.blocks.0.attn.qkv.linear.weight": 1,
    "teacher.backbone.norm.norm.bias": 2,
    "teacher.dino_head.mlp0.0.linear.weight": 3,
    "teacher.dino_head.mlp0.2.weight": 4,
  });
  assert.equal(values(path), {
    "backbone.blocks.0.attn.qkv.weight": 1,
    "backbone.norm.bias": 2,
    "dino_head.mlp0.0.weight": 3,
    "dino_head.mlp0.2.weight": 4,
  });
});

test("where a file holds both branches, the teacher is taken, in whatever order they stand", () => {
  const path = fileOf({ "student.backbone.a": 1, "teacher.backbone.a": 2, "student.backbone.z": 3 });
  assert.equal(values(path), { "backbone.a": 2 });
  assert.equal(values(fileOf({ "student.backbone.a": 1 })), { "backbone.a": 1 });
});

test("a published .pth is read as well", () => {
  const weights = readWeights(
    fileURLToPath(new URL("../../../test/fixtures/pth/teacher_checkpoint.pth", import.meta.url)),
  );
  assert.is(weights.size, 36);
  for (const name of ["backbone.blocks.1.attn.qkv.weight", "dino_head.last_layer0.weight_g"])
    assert.ok(weights.has(name));
});

test("half-precision weights are widened", () => {
  const path = join(tempFolder(), "half.safetensors");
  const half: StoredTensor = { dtype: "F16", shape: [1], data: Uint16Array.of(0x3e00) };
  writeFileSync(path, writeSafetensors(new Map([["backbone.a", half]])));
  assert.equal(values(path), { "backbone.a": 1.5 });
});

test("a missing file, a file that is none, and a file without a branch are errors that name it", () => {
  refuses(() => readWeights("/nowhere/x"), DataError, "--init /nowhere/x cannot be read");
  const text = join(tempFolder({ text: "hello there, no tensors" }), "text");
  refuses(() => readWeights(text), FormatError, text);
  const encoder = fileOf({ cls_token: 1 });
  refuses(() => readWeights(encoder), DataError, `--init ${encoder} holds no backbone.* and dino_head.* tensors`);
});
