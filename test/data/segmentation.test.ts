import { join } from "node:path";
import * as assert from "uvu/assert";
import { splitLabels } from "../../src/data/labelled-image.js";
import { openMaskPairs, segmentationSource, somePairs } from "../../src/data/segmentation.js";
import { ConfigError, DataError } from "../../src/errors.js";
import { discFolder, discImage, maskPng } from "../support/mask-folder.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const folder = tempFolder();
discFolder(join(folder, "train"), 3);
discFolder(join(folder, "val"), 2, { first: 9 });

const foreground = { kind: "foreground" } as const;

test("a split is found by any of its names, its images in order, each with its mask", () => {
  const { name, pairs } = openMaskPairs(folder, "test");
  assert.is(name, `masks:${join(folder, "val")}`);
  assert.equal(pairs, [
    { image: join(folder, "val/images/000.png"), mask: join(folder, "val/masks/000.png") },
    { image: join(folder, "val/images/001.png"), mask: join(folder, "val/masks/001.png") },
  ]);
  assert.is(openMaskPairs(`folder:${folder}#train`, "test").pairs.length, 3);
  assert.is(
    openMaskPairs(join(folder, "train"), "test").pairs.length,
    3,
    "a folder of images and masks is taken itself",
  );
});

test("a range picks some of the images", () => {
  const { name, pairs } = openMaskPairs(`${folder}@1..3`, "train");
  assert.is(name, `masks:${join(folder, "train")}@1..3`);
  assert.equal(
    pairs.map(({ image }) => image),
    [join(folder, "train/images/001.png"), join(folder, "train/images/002.png")],
  );
  refuses(() => openMaskPairs(`${folder}@1..4`, "train"), DataError, "has 3 images, so @1..4 ends outside");
});

test("images come with their labels as the last channel, grey where that is asked for", async () => {
  const pairs = openMaskPairs(folder, "train");
  const source = segmentationSource(pairs, foreground, 3);
  const { image, mask } = discImage(1);
  assert.equal(splitLabels(await source.read(1)), { image, labels: mask });
  assert.is((await segmentationSource(pairs, foreground, 1).read(1)).channels, 2);
  assert.equal([source.length, source.labels], [3, null]);
});

test("the fingerprint changes with the images and with what masks mean", () => {
  const print = (spec: string, classes?: number) =>
    segmentationSource(
      openMaskPairs(spec, "train"),
      classes ? { kind: "classes", classes } : foreground,
      3,
    ).fingerprint();
  assert.is(print(folder), print(folder));
  assert.is(new Set([print(folder), print(`${folder}@0..2`), print(folder, 2), print(folder, 3)]).size, 4);
});

test("some pairs are spread over all", () => {
  const { pairs } = openMaskPairs(folder, "train");
  assert.equal(somePairs(pairs, 2), [pairs[0], pairs[1]]);
  assert.equal(somePairs(pairs, 9), pairs);
});

test("what is missing is named", async () => {
  const { pairs } = openMaskPairs(folder, "train");
  refuses(() => openMaskPairs("cifar10:x", "train"), ConfigError, "cifar10 has no masks");
  refuses(() => openMaskPairs(join(folder, "val/images"), "train"), DataError, "has no train split");
  refuses(() => openMaskPairs(`${join(folder, "val")}#train`, "train"), DataError, "has no train split");
  const empty = tempFolder({ "images/.hidden.png": "", "images/a.txt": "", "masks/a.png": "" });
  refuses(() => openMaskPairs(empty, "train"), DataError, "masks: no images in");
  const bare = tempFolder({ "images/a.png": "", "images/b.jpg": "", "images/c.png": "", "masks/b.png": "" });
  refuses(() => openMaskPairs(bare, "train"), DataError, "a.png: is missing, as are 1 other masks");
  const other = tempFolder({ "m.png": maskPng(1, 1, Uint8Array.of(1)) });
  const odd = { name: "odd", pairs: [{ image: pairs[0].image, mask: join(other, "m.png") }] };
  const rejection = async (source: Promise<unknown>) => {
    try {
      await source;
    } catch (error) {
      return error instanceof DataError ? error.message : "";
    }
    return "";
  };
  const read = async (given: typeof odd) => segmentationSource(given, foreground, 3).read(0);
  assert.match(await rejection(read(odd)), /m\.png: is 1 × 1, its image 32 × 32/);
  const gone = { name: "gone", pairs: [{ image: pairs[0].image, mask: join(other, "x.png") }] };
  assert.match(await rejection(read(gone)), /x\.png: cannot be read \(ENOENT\)/);
});
