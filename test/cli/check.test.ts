import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { encodePng } from "../../src/data/encode-png.js";
import { cifarFile } from "../support/cifar-files.js";
import { expectCode, expectExit, imagesIn } from "../support/program.js";
import { squareImage } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const odd = fileURLToPath(new URL("../../../test/fixtures/images", import.meta.url));

test("a sound folder: count, classes and sizes, exit code 0", async () => {
  const folder = imagesIn(tempFolder(), 4);
  const { result, events } = await expectExit(0, ["check", "--data", folder, "--json"]);
  assert.is(events.length, 1);
  assert.equal([result.event, result.count, result.broken], ["result", 8, []]);
  assert.equal(result.classes, [
    { name: "left", count: 4 },
    { name: "right", count: 4 },
  ]);
  const side = { width: 16, height: 16 };
  assert.equal(result.sizes, { min: side, median: side, max: side });
  const { stdout } = await expectCode(0, ["check", "--data", folder]);
  assert.match(stdout, /: 8 images can be read, 0 cannot\nsizes: 16 × 16 least/);
  assert.match(stdout, /classes: 2, 4 to 4 images each\n {2}left +4\n {2}right +4/);
});

test("odd files of all kinds: what no decoder can read is listed with its reason, the rest is counted, exit code 3", async () => {
  const { result } = await expectCode(3, ["check", "--data", odd, "--json"]);
  const broken = result.broken as { path: string; reason: string }[];
  const reasonOf = (path: string) => broken.find((finding) => finding.path === join(odd, path))?.reason ?? "";
  assert.match(reasonOf("derived/empty.jpg"), /^is empty/);
  assert.match(reasonOf("derived/text.jpg"), /^is /);
  assert.is(reasonOf("webp/dark.webp"), "");
  assert.match(reasonOf("png-odd/broken.png"), /PNG data/);
  for (const sound of ["png-suite", "jpeg-size", "exif"]) {
    for (const { path } of broken)
      if (path.startsWith(join(odd, sound) + "/")) assert.match(path, /\/x[a-z0-9]+\.png$/);
  }
  const classes = result.classes as { name: string; count: number }[];
  assert.equal(
    classes.find(({ name }) => name === "jpeg-size"),
    { name: "jpeg-size", count: 8 },
  );
  assert.ok((result.channels as Record<string, number>)[1] > 0, "grey stays grey");
  assert.match((result.notes as string[]).join("\n"), /jpeg-named\.png: is JPEG although its name ends in \.png/);
  const { stdout } = await expectCode(3, ["check", "--data", odd]);
  assert.match(stdout, /^broken: \d+$/m);
});

test("images without classes, doubled and plain ones", async () => {
  const folder = tempFolder({ "a.png": encodePng(squareImage(1)), "b.png": encodePng(squareImage(1)) });
  writeFileSync(join(folder, "c.png"), encodePng({ width: 32, height: 32, channels: 1, data: new Uint8Array(1024) }));
  const { result } = await expectCode(0, ["check", "--data", folder, "--json"]);
  assert.equal([result.count, result.classes], [3, []]);
  assert.equal(result.duplicates, {
    count: 1,
    acrossClasses: 0,
    groups: [["a.png", "b.png"].map((name) => join(folder, name))],
  });
  assert.equal(result.suspicious, [{ path: join(folder, "c.png"), reason: "has one colour all over" }]);
  const { stdout } = await expectCode(0, ["check", "--data", folder]);
  assert.match(stdout, /classes: none/);
  assert.match(stdout, /a\.png = .*b\.png/);
});

test("any kind of source can be checked, all its splits or one", async () => {
  const files = { "data_batch_1.bin": cifarFile([[0], [3], [3]]), "test_batch.bin": cifarFile([[9]], 3) };
  const spec = `cifar10:${tempFolder(files)}`;
  const all = await expectCode(0, ["check", "--data", spec, "--json"]);
  assert.is(all.result.count, 4);
  const counts = (all.result.classes as { count: number }[]).map(({ count }) => count);
  assert.equal(counts, [1, 0, 0, 2, 0, 0, 0, 0, 0, 1]);
  assert.is((await expectCode(0, ["check", "--data", `${spec}#train`, "--json"])).result.count, 3);
});

test("with --strict the first broken image ends it; a missing folder is told", async () => {
  const folder = tempFolder({ "a.png": "broken", "b.png": encodePng(squareImage(1)) });
  const { events, stderr } = await expectCode(3, ["check", "--data", folder, "--strict", "--json"]);
  assert.match(stderr, /a\.png: is not an image in a known format/);
  assert.is(events.at(-1)!.event, "error");
  assert.match((await expectCode(3, ["check", "--data", join(folder, "none")])).stderr, /does not exist/);
  assert.match((await expectCode(2, ["check"])).stderr, /--data SPEC is missing/);
});

test("a data set on the way tells how fast it goes and how long it takes", async () => {
  const { stderr } = await expectCode(0, ["check", "--data", imagesIn(tempFolder(), 2)]);
  assert.match(stderr, /check: 4\/4 images, \d+ images\/s, eta 0:00/);
});
