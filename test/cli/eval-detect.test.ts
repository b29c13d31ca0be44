import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import * as assert from "uvu/assert";
import { writeEncoder } from "../../src/export/encoder-file.js";
import { init } from "../../src/runtime/context.js";
import { shapesVoc } from "../support/annotated-images.js";
import { expectCode, expectExit } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

const voc = shapesVoc(6, 3);
const cwd = tempFolder();
await init();
writeEncoder(join(cwd, "tiny.safetensors"), tinyEncoder());

const detect = (...args: string[]) => ["eval", "detect", "tiny.safetensors", ...args];
const quick = ["--data", `voc:${voc}`, "--batch", "2", "--iterations", "3", "--width", "8", "--tower", "1"];

test("the result holds the figures, and the files hold boxes", async () => {
  const { result, events, stderr } = await expectExit(
    0,
    detect(...quick, "--seed", "5", "--detections", "found.json", "--preview", "boxes.png", "--json"),
    { cwd },
  );
  assert.equal(
    events.map(({ event }) => event),
    ["step", "step", "step", "result"],
  );
  assert.equal(
    [result.network, result.images, result.trainImages, result.size, result.seed, result.detections, result.preview],
    ["16x2", 3, 6, 40, 5, "found.json", "boxes.png"],
  );
  for (const name of ["ap", "ap50", "ap75", "voc50"]) {
    assert.ok((result[name] as number) >= 0 && (result[name] as number) <= 1, name);
  }
  const perClass = result.perClass as Record<string, { objects: number }>;
  assert.equal([Object.keys(perClass), perClass.bar.objects], [["bar", "square"], 3]);
  const { low, high } = result.interval as { low: number; high: number };
  assert.ok(low <= (result.ap as number) && (result.ap as number) <= high);
  for (const { image_id, category_id, bbox, score } of JSON.parse(readFileSync(join(cwd, "found.json"), "utf8"))) {
    assert.match(image_id, /^shape[678]$/);
    assert.ok([1, 2].includes(category_id) && score > 0 && score < 1);
    assert.ok(bbox[0] >= 0 && bbox[0] + bbox[2] <= 48.001 && bbox[1] + bbox[3] <= 40.001);
  }
  const picture = PNG.sync.read(readFileSync(join(cwd, "boxes.png")));
  assert.equal([picture.width, picture.height], [144, 40]);
  assert.match(stderr, /\[3\/3\] eta 0:00 {2}loss \d/);
  assert.match(stderr, /boxes\.png: bar orange, square sky blue/);
});

test("a detector that was saved is tested again without training, and a tuned encoder with it", async () => {
  for (const tune of [[], ["--tune-backbone", "--drop-path", "0.3"]]) {
    const longer = [...quick, "--iterations", "20", "--lr", "1e-2"];
    const args = detect(...longer, ...tune, "--out", "saved.safetensors", "--detections", "first.json", "--json");
    const { result } = await expectExit(0, args, { cwd });
    assert.is(result.file, "saved.safetensors");
    const only = ["--data", `voc:${voc}`, "--head", "saved.safetensors", "--detections", "again.json", "--json"];
    const again = await expectExit(0, detect(...only), { cwd });
    assert.equal([again.result.trainImages, again.result.size, again.result.ap], [0, 40, result.ap]);
    const found = (name: string) => readFileSync(join(cwd, name), "utf8");
    assert.is(found("again.json"), found("first.json"));
    assert.ok(JSON.parse(found("first.json")).length > 0);
  }
  const as = ["eval", "detect", "saved.safetensors", ...quick, "--json"];
  assert.is((await expectExit(0, as, { cwd })).result.network, "16x2");
  const others = { images: [{ id: 1, file_name: "shape0.png" }], categories: [{ id: 1, name: "x" }] };
  const annotations = [{ image_id: 1, category_id: 1, bbox: [2, 3, 12, 12] }];
  writeFileSync(join(cwd, "x.json"), JSON.stringify({ ...others, annotations }));
  const args = ["--data", "coco:x.json", "--test", "coco:x.json", "--images", join(voc, "JPEGImages")];
  const { stderr } = await expectExit(3, detect(...args, "--head", "saved.safetensors"), { cwd });
  assert.match(stderr, /saved\.safetensors finds bar, square, the images have x/);
});

test("a table is printed, the same for the same seed", async () => {
  const text = async () => (await expectCode(0, detect(...quick, "--quiet"), { cwd })).stdout.split("\n").slice(1);
  const lines = await text();
  assert.match(lines[0], /class +AP +AP50 +AP75 +VOC AP50 +objects/);
  assert.match(lines[3], /^all +0\.\d{4}/);
  assert.match(lines[4], /^AP 0\.\d{4}, 95 % between/);
  assert.equal(await text(), lines);
});

test("files of COCO are read with their images elsewhere, and a part of a set can be named", async () => {
  const set = {
    images: [0, 1, 2].map((i) => ({ id: i + 1, file_name: `shape${i}.png` })),
    categories: [{ id: 9, name: "all" }],
    annotations: [0, 1, 2].map((i) => ({ image_id: i + 1, category_id: 9, bbox: [2, 3, 12, 12] })),
  };
  writeFileSync(join(cwd, "set.json"), JSON.stringify(set));
  const { result } = await expectCode(
    0,
    detect(
      ...quick,
      "--data",
      "coco:set.json",
      "--test",
      "coco:set.json@0..1",
      "--images",
      join(voc, "JPEGImages"),
      "--json",
    ),
    { cwd },
  );
  assert.equal([result.images, result.trainImages], [1, 3]);
});

test("what is wrong has its message and exit code", async () => {
  for (const [code, args, message] of [
    [2, [], /--data SPEC is missing/],
    [2, ["--data", "folder:x"], /expected voc:DIR or coco:FILE.json/],
    [2, ["--data", `voc:${voc}#train`], /Name those of the test with --test/],
    [3, ["--data", `voc:${voc}x`], /does not exist/],
    [3, ["--data", `voc:${voc}#val`, "--test", `voc:${voc}#test`], /val.txt does not exist. It has #trainval, #test/],
    [2, [...quick, "--images", "."], /--images goes with coco:FILE.json/],
    [2, [...quick, "--crop", "2"], /--crop is "2", expected a number from 0 on, at most 1/],
    [2, [...quick, "--lr", "0"], /--lr is "0", expected a number above 0/],
    [2, [...quick, "--scales", "2"], /--scales is "2", expected two rising numbers/],
    [2, [...quick, "--out", "no/such.safetensors"], /--out no\/such.safetensors: the folder no does not exist/],
    [2, [...quick, "--out", "found.json"], /--out saves the detector .*; --detections FILE.json what it finds/],
    [2, [...quick, "--head", "x", "--size", "64"], /--head trains nothing/],
    [2, [...quick, "--drop-path", "1"], /--drop-path is "1", expected a number from 0 on, below 1/],
    [3, [...quick, "--head", "none.safetensors"], /none.safetensors cannot be read/],
    [2, [...quick, "--size", "10"], /--size is "10", expected a whole number from 32 on/],
    [4, [...quick, "--lr", "1e30", "--iterations", "20"], /Lower the learning rate/],
  ] as const) {
    const { stderr } = await expectCode(code, detect(...args), { cwd });
    assert.match(stderr, message);
  }
});
