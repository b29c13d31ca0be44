import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { readEncoder } from "../../src/export/encoder-file.js";
import { readNpy } from "../../src/formats/npy.js";
import { init } from "../../src/runtime/context.js";
import { expectCode, expectExit, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
await init();
const fixture = (path: string) => fileURLToPath(new URL(`../../../test/fixtures/${path}`, import.meta.url));
cpSync(fixture("pth/teacher_checkpoint.pth"), join(cwd, "published.pth"));
for (const name of ["vit", "swin", "resnet"])
  cpSync(fixture(`golden/torchvision_${name}.safetensors`), join(cwd, `${name}.safetensors`));

/** What the golden files hold beside the network. */
const beside = "in.*,out*,grad.*,after.*";
const vit = ["import", "published.pth", "--arch", "vit", "--head-dim", "4"];

test("a published .pth becomes an encoder file that embed and eval accept", async () => {
  const { result, stderr } = await expectExit(0, [...vit, "--out", "encoders", "--json"], { cwd });
  const { event, file, network, matched, missing, unexpected, leftOut } = result;
  assert.equal([event, file, network], ["result", join("encoders", "published.safetensors"), "8x2"]);
  assert.equal([matched, missing, unexpected], [35, [], []]);
  assert.equal([leftOut, stderr], [["teacher.dino_head.last_layer0.weight_g"], ""]);
  const embed = ["embed", file as string, "--data", "images", "--out", "features.npy"];
  const { result: embedded } = await expectCode(0, [...embed, "--json"], { cwd });
  assert.equal([embedded.count, embedded.dim, embedded.network], [16, 8, "8x2"]);
  const knn = ["eval", "knn", file as string, "--data", "images", "--test", "images", "--k", "1", "--json"];
  assert.equal((await expectCode(0, knn, { cwd })).result.top1, { 1: 1 });
});

test("a sub-network of a full checkpoint is cut out, named, and half the size", async () => {
  const { result } = await expectCode(0, [...vit, "--net", "4x1", "--out", "part", "--json"], { cwd });
  assert.is(result.file, join("part", "published_4x1.safetensors"));
  assert.is(readEncoder(join(cwd, "part", "published_4x1.safetensors")).spec.width, 4);
  assert.match((await expectCode(2, [...vit, "--net", "6x1", "--out", "x"], { cwd })).stderr, /Nearest: 4x1/);
  const stock = ["import", "vit.safetensors", "--arch", "vit", "--names", "torchvision", "--head-dim", "16"];
  const args = [...stock, "--ignore", `heads.*,${beside}`, "--net", "16x1", "--out", "x"];
  assert.match((await expectCode(2, args, { cwd })).stderr, /only POA checkpoints hold sub-networks/);
  assert.not.ok(existsSync(join(cwd, "x")));
});

test("another image size resizes the positions, and mean and std stand in the file", async () => {
  const args = [...vit, "--image-size", "32", "--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25", "--out", "large"];
  await expectCode(0, args, { cwd });
  const { spec, backbone } = readEncoder(join(cwd, "large", "published.safetensors"));
  assert.equal([spec.imageSize, spec.mean, spec.std], [32, [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]]);
  assert.equal(backbone.stateDict().get("pos_embed")!.shape, [1, 65, 8]);
  assert.match(
    (await expectCode(2, [...vit, "--image-size", "30", "--out", "x"], { cwd })).stderr,
    /multiple of the patch size/,
  );
});

test("stock networks of every family come in, their classifiers by permission", async () => {
  for (const [family, head, dim, network] of [
    ["vit", "heads.*", 48, "48x3"],
    ["swin", "head.*", 64, "8x2"],
    ["resnet", "fc.*", 128, "4x1x1"],
  ] as const) {
    const args = ["import", `${family}.safetensors`, "--arch", family, "--names", "torchvision", "--out", "stock"];
    const rest = [...(family === "vit" ? ["--head-dim", "16"] : ["--image-size", "64"]), "--json"];
    const { result } = await expectCode(0, [...args, "--ignore", `${head},${beside}`, ...rest, "--overwrite"], { cwd });
    assert.is(result.network, network);
    assert.ok((result.unexpected as string[]).some((name) => name.endsWith(".weight")));
    assert.ok((result.missing as string[]).includes("mask_token"));
    const file = join("stock", `${family}.safetensors`);
    await expectCode(0, ["embed", file, "--data", "images@0..2", "--out", "two.npy"], { cwd });
    assert.equal(readNpy(readFileSync(join(cwd, "two.npy")), "two.npy").shape, [2, dim]);
    const { stderr } = await expectCode(3, [...args, "--ignore", beside, ...rest.slice(0, 2), "--overwrite"], { cwd });
    assert.match(
      stderr,
      new RegExp(`does not fit: 0 missing, 2 unexpected, 0 misshapen\\.\\n  unexpected ${head.slice(0, -2)}`),
    );
  }
});

test("an encoder of that name is not written over unasked", async () => {
  await expectCode(0, [...vit, "--out", "kept"], { cwd });
  const before = readFileSync(join(cwd, "kept", "published.safetensors"));
  assert.match(
    (await expectCode(2, [...vit, "--out", "kept", "--image-size", "32"], { cwd })).stderr,
    /is there already/,
  );
  assert.ok(readFileSync(join(cwd, "kept", "published.safetensors")).equals(before));
  assert.equal(readdirSync(join(cwd, "kept")), ["published.safetensors"]);
  await expectCode(0, [...vit, "--out", "kept", "--image-size", "32", "--overwrite"], { cwd });
  assert.not.ok(readFileSync(join(cwd, "kept", "published.safetensors")).equals(before));
});

test("what is wrong is told with its exit code, before a folder is made", async () => {
  for (const [code, args, message] of [
    [2, ["published.pth", "--out", "x"], /--arch/],
    [2, ["published.pth", "--arch", "cnn", "--out", "x"], /expected vit, swin, resnet/],
    [2, ["published.pth", "--arch", "vit", "--names", "keras", "--out", "x"], /expected official, timm, torchvision/],
    [2, ["published.pth", "--arch", "vit", "--out", "x"], /Give --head-dim N/],
    [2, [...vit.slice(1), "--mean", "a,b,c", "--out", "x"], /--mean is "a,b,c"/],
    [2, [...vit.slice(1), "--mean", "0.5", "--out", "x"], /mean and std have 1 and 3 values/],
    [2, [...vit.slice(1), "--std", "0,1,1", "--out", "x"], /--std is "0,1,1"/],
    [3, ["nothing.pth", "--arch", "vit", "--out", "x"], /nothing\.pth cannot be read/],
    [3, ["tiny.yaml", "--arch", "vit", "--out", "x"], /not a valid safetensors file/],
    [3, ["published.pth", "--arch", "swin", "--out", "x"], /so it is no swin under these names/],
    [3, [fixture("pth/os_system.pth"), "--arch", "vit", "--out", "x"], /global "posix\.system" is not allowed/],
    [3, [fixture("pth/legacy.pth"), "--arch", "vit", "--out", "x"], /before PyTorch 1\.6/],
  ] as const) {
    assert.match((await expectCode(code, ["import", ...args], { cwd })).stderr, message);
  }
  assert.not.ok(existsSync(join(cwd, "x")));
});
