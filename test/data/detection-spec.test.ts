import { join } from "node:path";
import * as assert from "uvu/assert";
import { openDetectionPair, parseDetectionSpec } from "../../src/data/detection-spec.js";
import { ConfigError, DataError } from "../../src/errors.js";
import { shapesVoc, vocXml } from "../support/annotated-images.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

test("a spec has a kind, a path, for voc a split, and a range", () => {
  assert.equal(parseDetectionSpec("voc:a/b"), { kind: "voc", path: "a/b", split: null, range: null });
  assert.equal(parseDetectionSpec("voc:C:\\d#trainval@2..9"), {
    ...{ kind: "voc", path: "C:\\d", split: "trainval" },
    range: [2, 9],
  });
  assert.equal(parseDetectionSpec("coco:x.json@0..5"), { kind: "coco", path: "x.json", split: null, range: [0, 5] });
});

test("other forms are refused with what is expected", () => {
  for (const spec of ["voc:", "folder:x", "x", ""]) {
    refuses(() => parseDetectionSpec(spec), ConfigError, `"${spec}": expected voc:DIR or coco:FILE.json`);
  }
  refuses(() => parseDetectionSpec("voc:d#training"), ConfigError, "no split #training; write #train, #val");
  refuses(() => parseDetectionSpec("coco:x.json#val"), ConfigError, "a file of COCO is one split");
});

test("of a VOC folder trainval is learned and test is tested, or train and val where these are not listed", () => {
  const both = openDetectionPair({ data: `voc:${shapesVoc(3, 2)}`, test: undefined });
  assert.equal([both.train.length, both.test.length, both.test.imageId(0)], [3, 2, "shape3"]);
  const xml = vocXml([{ name: "x", edges: [1, 1, 2, 2] }]);
  const folder = tempFolder({
    ...{ "ImageSets/Main/train.txt": "a\nb", "ImageSets/Main/val.txt": "c", "Annotations/a.xml": xml },
    ...{ "Annotations/b.xml": xml, "Annotations/c.xml": vocXml([{ name: "w", edges: [1, 1, 2, 2] }]) },
  });
  const pair = openDetectionPair({ data: `voc:${folder}`, test: undefined });
  assert.equal([pair.train.length, pair.test.length], [2, 1]);
  assert.equal(
    [pair.train.classes, pair.test.classes],
    [
      ["x", "w"],
      ["x", "w"],
    ],
  );
});

test("one set alone needs --test; images of COCO are beside the file or where they are said to be", () => {
  const set = (name: string) =>
    JSON.stringify({
      images: [{ id: 1, file_name: "a.png" }],
      annotations: [],
      categories: [{ id: 4, name }],
    });
  const folder = tempFolder({ "one/x.json": set("p"), "two/y.json": set("q"), "photos/a.png": "" });
  const [x, y] = [join(folder, "one", "x.json"), join(folder, "two", "y.json")];
  refuses(
    () => openDetectionPair({ data: `coco:${x}`, test: undefined }),
    ConfigError,
    "Name those of the test with --test",
  );
  refuses(() => openDetectionPair({ data: "voc:d#train", test: undefined }), ConfigError, "--test");
  const images = join(folder, "photos");
  const pair = openDetectionPair({ data: `coco:${x}`, test: `coco:${y}` }, { test: { images } });
  assert.equal([pair.train.path(0), pair.test.path(0)], [join(folder, "one", "a.png"), join(images, "a.png")]);
  assert.equal(pair.test.classes, ["p", "q"]);
  refuses(() => openDetectionPair({ data: `coco:${x}no`, test: `coco:${y}` }), DataError, "does not exist");
});
