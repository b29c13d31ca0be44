import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { pixels } from "../support/image-fixtures.js";
import { expectCode, imagesIn, type Ran, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
imagesIn(join(cwd, "more"), 3);
writeFileSync(join(cwd, "broken.png"), "broken");
await expectCode(0, tinyPretrain, { cwd });

const visualize = (what: string, ...args: string[]) => [
  "visualize",
  what,
  "run",
  "--out",
  `${what}.png`,
  "--tile",
  "24",
  ...args,
];
const files = ["images/left/000.png", "images/right/001.png", "images/left/002.png"];

/** Expects a picture of the size that the result tells. */
async function expectPicture({ result }: Ran): Promise<Record<string, unknown>> {
  const { width, height } = await pixels(readFileSync(join(cwd, String(result.file))));
  assert.equal([result.event, result.width, result.height], ["result", width, height]);
  return result;
}

test("attention of images of a folder, spread over it, in the wanted number", async () => {
  const args = visualize("attention", "--images", "images", "--count", "2", "--json");
  const result = await expectPicture(await expectCode(0, args, { cwd }));
  assert.equal([result.file, result.network, result.images], ["attention.png", "16x2", 2]);
  assert.match(String(result.caption), /class token to 4 × 4 patches/);
});

test("files may be named one behind the other, and all are shown", async () => {
  for (const what of ["attention", "pca", "neighbors"]) {
    const result = await expectPicture(await expectCode(0, visualize(what, "--images", ...files, "--json"), { cwd }));
    assert.is(result.images, 3, what);
  }
});

test("a sub-network in place and a larger resolution can be asked for", async () => {
  const args = visualize("attention", "--images", files[0], "--net", "8x1", "--resolution", "24", "--json");
  const result = await expectPicture(await expectCode(0, args, { cwd }));
  assert.is(result.network, "8x1");
  assert.match(String(result.caption), /6 × 6 patches .* its one head/);
});

test("components over a folder", async () => {
  const result = await expectPicture(await expectCode(0, visualize("pca", "--images", "images", "--json"), { cwd }));
  assert.is(result.images, 8);
  assert.match(String(result.caption), /three principal components .* over 8 images/);
});

test("neighbours among the images themselves, or in a bank of others, with classes", async () => {
  const alone = visualize("neighbors", "--images", "images", "--count", "3", "--k", "2", "--json");
  const own = await expectPicture(await expectCode(0, alone, { cwd }));
  assert.equal([own.images, own.bank], [3, 16]);
  assert.match(String(own.caption), /^3 images, each followed by its 2 nearest .* \d of 6 are of the query's class/);
  const other = visualize("neighbors", "--images", "more", "--bank", "images", "--k", "1", "--json");
  const result = await expectPicture(await expectCode(0, other, { cwd }));
  assert.equal([result.images, result.bank], [6, 16]);
  assert.match(String(result.caption), /6 of 6 are/, "each stands in the bank too");
});

test("a broken image is left out with a warning, or ends it with --strict", async () => {
  for (const what of ["attention", "neighbors"]) {
    const args = visualize(what, "--images", ...files, "broken.png", "--json");
    const { result, stderr } = await expectCode(0, args, { cwd });
    assert.match(stderr, /warning: broken\.png/);
    assert.is(result.images, 3, what);
    await expectCode(3, [...args, "--strict"], { cwd });
  }
});

test("what is wrong has its message and exit code, and no file is left", async () => {
  const out = ["--out", "no.png"];
  for (const [code, args, message] of [
    [2, ["attention", "run", ...out], /--images SPEC\|FILE\.\.\. is missing/],
    [2, ["attention", "run", "--images", "images", "--out", "no.gif"], /ends in \.png/],
    [2, ["attention", "run", "--images", "images", "--resolution", "18", ...out], /multiple of 4/],
    [2, ["pca", "run", "--images", "images", "--net", "9x9", ...out], /Nearest:/],
    [2, ["pca", ...out, "--images", "images"], /MODEL is missing/],
    [3, ["attention", "run", "--images", files[0], "gone.png", ...out], /gone\.png is not a file/],
    [3, ["attention", "run", "--images", "broken.png", ...out], /none of the 1 images/],
    [3, ["neighbors", "run", "--images", files[0], ...out], /at least 2 images/],
    [3, ["attention", "missing", "--images", "images", ...out], /missing is not there/],
  ] as const) {
    assert.match((await expectCode(code, ["visualize", ...args], { cwd })).stderr, message);
  }
  assert.not.ok(existsSync(join(cwd, "no.png")) || existsSync(join(cwd, "no.gif")));
});
