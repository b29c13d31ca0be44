import * as assert from "uvu/assert";
import { type DetectionObject, detectionRange, detectionSource, withCommonClasses } from "../../src/data/detection.js";
import { ConfigError, DataError } from "../../src/errors.js";
import { noiseImage } from "../support/image-bytes.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const object = (label: number): DetectionObject => ({
  ...{ box: [0, 0, 2, 2], area: 4, crowd: false, difficult: false },
  label,
});

const sourceOf = (classes: readonly string[], labels: readonly number[]) =>
  detectionSource(
    {
      name: classes.join("+"),
      classes,
      images: labels.map((label, i) => ({ path: `${i}.png`, id: 10 + i, objects: [object(label)] })),
      categoryIds: classes.map((_, label) => 5 * label + 5),
    },
    (path) => noiseImage({ seed: Number.parseInt(path, 10) }),
  );

test("a range shows the images begin to end - 1 with their objects and names", async () => {
  const part = detectionRange(sourceOf(["a", "b", "c"], [0, 1, 2]), 1, 3);
  assert.equal([part.length, part.objects(0)[0].label, part.path(1), part.imageId(1)], [2, 1, "2.png", 12]);
  assert.equal((await part.read(0)).data, noiseImage({ seed: 1 }).data);
  refuses(() => detectionRange(part, 1, 1), ConfigError, "@1..1 is empty");
  refuses(() => detectionRange(part, 0, 3), DataError, "has 2 images, so @0..3 ends outside");
});

test("two sources with common classes mean the same by a label, and keep the numbers of their files", () => {
  const [first, second] = withCommonClasses(sourceOf(["b", "c"], [0, 1]), sourceOf(["a", "b"], [0, 1]));
  assert.equal(
    [first.classes, second.classes],
    [
      ["b", "c", "a"],
      ["b", "c", "a"],
    ],
  );
  assert.equal([first.objects(1)[0].label, second.objects(0)[0].label, second.objects(1)[0].label], [1, 2, 0]);
  assert.equal([first.categoryId(1), second.categoryId(2), second.categoryId(0)], [10, 5, 10]);
  assert.is(new Set([0, 1, 2].map((label) => second.categoryId(label))).size, 3);
});

test("a source without an image is refused", () => {
  refuses(() => sourceOf(["a"], []), DataError, "a lists no image");
});
