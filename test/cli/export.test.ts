import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import { readSafetensors } from "../../src/formats/safetensors.js";
import { readOnnx } from "../support/onnx-file.js";
import { expectCode, expectExit, imagesIn, tinyPretrain, workshop } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const cwd = workshop();
await expectCode(0, tinyPretrain, { cwd });
await expectCode(0, ["subnets", "extract", "run", "--net", "8x1", "--out", "."], { cwd });

const read = (path: string) => readFileSync(join(cwd, path));

test("a run's network goes out as ONNX, compared on the run's images", async () => {
  const args = ["export", "run", "--format", "onnx", "--net", "8x1", "--out", "a.onnx", "--json"];
  const { result, events, stderr } = await expectCode(0, args, { cwd });
  assert.is(events.length, 1);
  const { file, bytes, maxAbsDiff, network } = result as Record<string, number | string>;
  assert.equal([file, bytes, network], ["a.onnx", statSync(join(cwd, "a.onnx")).size, "8x1"]);
  assert.ok(Number(maxAbsDiff) > 0 && Number(maxAbsDiff) <= 1e-4, String(maxAbsDiff));
  assert.is(stderr, "");
  assert.equal(readOnnx(read("a.onnx")).outputs.get("embedding"), ["batch", 8]);
});

test("without onnxruntime-web the file is written all the same, and not compared", async () => {
  const hooks = `export const resolve = (name, context, next) =>
    next(name === "onnxruntime-web" ? "a-package-that-is-not-there" : name, context);`;
  const folder = tempFolder({ "hooks.mjs": hooks });
  const start = `import { register } from "node:module"; register("./hooks.mjs", import.meta.url);`;
  writeFileSync(join(folder, "start.mjs"), start);
  const env = { NODE_OPTIONS: `--import=${pathToFileURL(join(folder, "start.mjs")).href}` };
  const args = ["export", "8x1.safetensors", "--format", "onnx", "--out", "e.onnx", "--json"];
  const { result, stderr } = await expectExit(0, args, { cwd, env });
  assert.is(result.maxAbsDiff, null);
  assert.match(stderr, /not compared with the network: install onnxruntime-web/);
  assert.is(readOnnx(read("e.onnx")).opset, 17);
});

test("options of ONNX reach the file", async () => {
  const options = ["--batch", "3", "--opset", "20", "--normalize", "--include-normalization", "--patch-tokens"];
  const args = ["export", "8x1.safetensors", "--format", "onnx", "--out", "b.onnx", "--data", "images", ...options];
  const { stdout } = await expectCode(0, args, { cwd });
  assert.match(stdout, /^b\.onnx: network 8x1, \d+ bytes, differs by at most \d\.\de-\d+\n$/);
  const { opset, inputs, outputs } = readOnnx(read("b.onnx"));
  assert.is(opset, 20);
  const side = (inputs.get("images") as number[])[2];
  assert.equal(inputs.get("images"), [3, 3, side, side]);
  assert.equal([...outputs.keys()], ["embedding", "patch_tokens"]);
  const larger = ["--image-size", String(2 * side), "--dtype", "f16"];
  await expectCode(0, ["export", "run", "--format", "onnx", "--out", "c.onnx", ...larger], { cwd });
  assert.equal(readOnnx(read("c.onnx")).inputs.get("images"), ["batch", 3, 2 * side, 2 * side]);
});

test("safetensors come back as a MODEL, in f16 with half the bytes", async () => {
  const args = ["export", "run", "--format", "safetensors", "--net", "8x1", "--json", "--out"];
  const full = await expectCode(0, [...args, "full.safetensors"], { cwd });
  assert.ok(Number(full.result.maxAbsDiff) <= 1e-5);
  const half = await expectCode(0, [...args, "half.safetensors", "--dtype", "f16"], { cwd });
  assert.ok(Number(half.result.maxAbsDiff) > 0 && Number(half.result.maxAbsDiff) <= 1e-2);
  const { tensors } = readSafetensors(read("half.safetensors"), "half");
  assert.equal([tensors.get("blocks.0.attn.qkv.weight")!.dtype, tensors.get("norm.weight")!.dtype], ["F16", "F32"]);
  const again = ["export", "half.safetensors", "--format", "onnx", "--out", "d.onnx", "--json"];
  const { result, stderr } = await expectCode(0, again, { cwd });
  assert.ok(Number(result.maxAbsDiff) <= 1e-4);
  assert.match(stderr, /compared on noise/);
});

test("an edge bundle is a MODEL too, and computes the same at the edge", async () => {
  const args = ["export", "run", "--format", "edge", "--net", "8x1", "--json", "--out", "8x1.poa"];
  const { result } = await expectCode(0, args, { cwd });
  assert.equal([result.file, result.network, result.bytes], ["8x1.poa", "8x1", statSync(join(cwd, "8x1.poa")).size]);
  assert.ok(Number(result.maxAbsDiff) <= 1e-5);
  for (const model of ["8x1.poa", "8x1.safetensors"])
    await expectCode(0, ["embed", model, "--data", "images", "--out", `${model}.npy`], { cwd });
  assert.equal(read("8x1.poa.npy"), read("8x1.safetensors.npy"));
});

test("weights of eight bits are compared by the direction of features, and the bundle is a MODEL", async () => {
  const args = ["export", "run", "--format", "edge", "--dtype", "int8", "--json", "--out", "int8.poa"];
  const { result } = await expectCode(0, args, { cwd });
  assert.equal([result.dtype, result.tolerance], ["int8", 0.98]);
  assert.ok(Number(result.cosine) > 0.99 && Number(result.cosine) <= 1, String(result.cosine));
  assert.ok(Number(result.bytes) === statSync(join(cwd, "int8.poa")).size);
  await expectCode(0, ["embed", "int8.poa", "--data", "images", "--out", "int8.npy"], { cwd });
  const people = await expectCode(
    0,
    args.filter((word) => word !== "--json"),
    { cwd },
  );
  assert.match(
    people.stdout,
    /^int8\.poa: network 16x2, \d+ bytes, cosine to the network's features at least [01]\.\d{6}\n$/,
  );
});

test("a bank or a linear head goes into the bundle, which classifies as poa eval does", async () => {
  const run = ["export", "run", "--format", "edge", "--json", "--out"];
  const { result } = await expectCode(0, [...run, "bank.poa", "--bank", "images", "--k", "3"], { cwd });
  const names = result.classes as string[];
  const probe = [
    "eval",
    "linear",
    "run",
    "--data",
    "split",
    "--iterations",
    "6",
    "--batch-size",
    "5",
    "--out",
    "probe",
  ];
  for (const split of ["train", "test"]) imagesIn(join(cwd, "split", split), 6);
  await expectCode(0, probe, { cwd });
  const headed = await expectCode(0, [...run, "head.poa", "--head", "probe", "--dtype", "f16"], { cwd });
  assert.equal(
    [names, headed.result.classes],
    [
      ["left", "right"],
      ["left", "right"],
    ],
  );
  for (const [bundle, dtypes] of [
    ["bank.poa", ["bank.features F32", "bank.labels I32"]],
    ["head.poa", ["head.bias F32", "head.weight F32"]],
  ] as const) {
    const { tensors } = readSafetensors(read(bundle).subarray(16), bundle);
    const beside = [...tensors]
      .filter(([name]) => !name.startsWith("backbone."))
      .map(([name, { dtype }]) => `${name} ${dtype}`);
    assert.equal(beside.sort(), [...dtypes]);
    await expectCode(0, ["embed", bundle, "--data", "images", "--out", `${bundle}.npy`], { cwd });
  }
});

test("what is wrong is told with its exit code", async () => {
  const onnx = ["--format", "onnx", "--out", "x.onnx"];
  for (const [code, args, message] of [
    [2, ["run", "--out", "x"], /--format safetensors\|onnx\|edge is missing/],
    [2, ["run", "--format", "tflite", "--out", "x"], /--format is "tflite", expected safetensors, onnx, edge/],
    [2, ["run", "--format", "onnx", "--out", "no/x.onnx"], /the folder no does not exist/],
    [2, ["run", ...onnx, "--dtype", "f64"], /--dtype is "f64"/],
    [2, ["run", ...onnx, "--opset", "18"], /--opset is "18", expected 17, 20/],
    [2, ["run", ...onnx, "--batch", "0"], /--batch is "0"/],
    [2, ["run", ...onnx, "--image-size", "7"], /multiple of \d+, the patch size/],
    [2, ["run", "--format", "safetensors", "--out", "x", "--normalize"], /--normalize is for --format onnx/],
    [2, ["run", ...onnx, "--dtype", "int8"], /--dtype int8 is for --format edge/],
    [2, ["run", ...onnx, "--bank", "images"], /--bank is for --format edge/],
    [2, ["run", "--format", "edge", "--out", "x", "--bank", "images", "--head", "h"], /a bundle has one classifier/],
    [2, ["run", "--format", "edge", "--out", "x", "--k", "5"], /--k is about the vote of a bank/],
    [3, ["run", "--format", "edge", "--out", "x", "--head", "none"], /none cannot be read/],
    [3, ["nothing", ...onnx], /nothing is not there/],
  ] as const) {
    assert.match((await expectCode(code, ["export", ...args], { cwd })).stderr, message);
  }
});
