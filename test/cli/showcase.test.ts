import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { expectCode, imagesIn, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
await expectCode(0, tinyPretrain, { cwd });

const contentOf = (folder: string) =>
  JSON.parse(
    /id="content">(.*)<\/script>/
      .exec(readFileSync(join(cwd, folder, "index.html"), "utf8"))![1]
      .replaceAll("\\u003c", "<"),
  );

test("all networks of a small run are shown; of images without splits the samples are held back", async () => {
  const args = ["showcase", "run", "--data", "images", "--samples", "4", "--out", "page", "--json"];
  const { result, stderr } = await expectCode(0, args, { cwd });
  assert.equal([result.networks, result.bank, result.samples, result.folder], [4, 12, 4, "page"]);
  assert.match(stderr, /features of the bank: 12\/12 images/);
  const { networks, samples } = contentOf("page");
  assert.equal(
    networks.map(({ name }: { name: string }) => name),
    ["8x1", "8x2", "16x1", "16x2"],
  );
  assert.is(samples.length, 4);
  const page = readFileSync(join(cwd, "page", "index.html"), "utf8");
  assert.match(page, /<h1>Encoders of run<\/h1><p>4 encoders of one pre-training run \(ViT\), .* come from images\.</);
});

test("networks are chosen by name, an extracted encoder is shown alone", async () => {
  const named = ["showcase", "run", "--data", "images", "--net", "full,8x1", "--bank", "5", "--out", "two"];
  const { stdout } = await expectCode(0, [...named, "--title", "Squares", "--dtype", "f16"], { cwd });
  assert.match(stdout, /^two: 2 networks, a bank of 4 images, 12 samples; \d+ files, .*B\nServe it/);
  assert.match(readFileSync(join(cwd, "two", "index.html"), "utf8"), /<h1>Squares<\/h1>/);
  await expectCode(0, ["subnets", "extract", "run", "--net", "8x2", "--out", "encoders"], { cwd });
  const alone = [
    "showcase",
    "encoders/8x2.safetensors",
    "--data",
    "images",
    "--out",
    "one",
    "--samples",
    "0",
    "--json",
  ];
  const { result } = await expectCode(0, alone, { cwd });
  assert.equal([result.networks, result.bank, result.samples], [1, 16, 0]);
});

test("samples come from --test, or from the split test", async () => {
  for (const split of ["train", "test"]) imagesIn(join(cwd, "split", split), split === "train" ? 5 : 2);
  const args = ["showcase", "run", "--net", "8x1", "--data", "split", "--out", "split-page", "--json"];
  const { result } = await expectCode(0, args, { cwd });
  assert.equal([result.bank, result.samples], [10, 4]);
  const { result: other } = await expectCode(0, [...args, "--test", "images"], { cwd });
  assert.equal([other.bank, other.samples], [10, 12]);
});

test("what is wrong has its message and exit code, and leaves no folder", async () => {
  const usual = ["run", "--data", "images", "--out", "none"];
  for (const [code, args, message] of [
    [2, ["run", "--out", "none"], /--data SPEC is missing/],
    [2, ["run", "--data", "images"], /--out DIR is missing/],
    [3, ["nothing", "--data", "images", "--out", "none"], /nothing is not there/],
    [2, [...usual, "--net", "9x9"], /Nearest:/],
    [2, [...usual, "--dtype", "f64"], /expected f32 or f16/],
    [2, [...usual, "--samples", "16"], /16 images, and --samples 16 leave none for the bank/],
    [3, ["run", "--data", "missing", "--out", "none"], /missing does not exist/],
  ] as const) {
    assert.match((await expectCode(code, ["showcase", ...args], { cwd })).stderr, message);
  }
  assert.not.ok(existsSync(join(cwd, "none")));
});
