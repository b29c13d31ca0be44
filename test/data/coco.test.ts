import { join } from "node:path";
import * as assert from "uvu/assert";
import { coco } from "../../src/data/coco.js";
import { DataError } from "../../src/errors.js";
import { noiseImage } from "../support/image-bytes.js";
import { pngOf } from "../support/program.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const image = noiseImage({ width: 6, height: 5 });

/** The records of a small set, of which some may be replaced. */
const records = (changes: Record<string, unknown> = {}) => ({
  images: [
    { id: 7, file_name: "one.png", width: 6, height: 5 },
    { id: 3, file_name: "two.png" },
  ],
  categories: [
    { id: 90, name: "kite" },
    { id: 2, name: "car" },
  ],
  annotations: [
    { id: 1, image_id: 7, category_id: 90, bbox: [1, 2, 3, 2.5], area: 4, iscrowd: 0 },
    { id: 2, image_id: 7, category_id: 2, bbox: [0, 0, 6, 5], iscrowd: 1 },
    { id: 3, image_id: 3, category_id: 2, bbox: [1, 1, 0, 4] },
  ],
  ...changes,
});

const folderOf = (content: unknown) =>
  tempFolder({ "boxes.json": JSON.stringify(content), "photos/one.png": pngOf(image) });

test("category numbers with gaps become labels in their order; width and height become edges", async () => {
  const folder = folderOf(records());
  const source = coco(join(folder, "boxes.json"), { images: join(folder, "photos") });
  assert.equal([source.length, source.classes], [2, ["car", "kite"]]);
  assert.equal(source.objects(0), [
    { box: [1, 2, 4, 4.5], area: 4, label: 1, crowd: false, difficult: false },
    { box: [0, 0, 6, 5], area: 30, label: 0, crowd: true, difficult: false },
  ]);
  assert.equal(source.objects(1), [{ box: [1, 1, 1, 5], area: 0, label: 0, crowd: false, difficult: false }]);
  assert.equal([source.imageId(0), source.categoryId(1)], [7, 90]);
  assert.equal((await source.read(0)).data, image.data);
});

test("each way in which a file can be broken is told with file and record", () => {
  const refusal = (content: unknown, text: string) => {
    const file = join(folderOf(content), "boxes.json");
    refuses(() => coco(file, { images: "." }), DataError, `${file}: ${text}`);
  };
  const annotation = (changes: Record<string, unknown>) =>
    records({ annotations: [{ id: 5, image_id: 7, category_id: 2, bbox: [0, 0, 1, 1], ...changes }] });
  refusal([], "holds no object");
  refusal({}, "categories is not a list");
  refusal(records({ images: [4] }), "images[0] is not an object");
  refusal(records({ images: [{ id: 1 }] }), "images[0]: file_name is undefined, expected a text");
  refusal(records({ images: [{ id: "7", file_name: "a" }] }), 'images[0]: id is "7", expected a whole number');
  refusal(
    records({
      categories: [
        { id: 1, name: "a" },
        { id: 1, name: "b" },
      ],
    }),
    "two categories have the id 1",
  );
  refusal(
    records({
      categories: [
        { id: 1, name: "a" },
        { id: 2, name: "a" },
      ],
    }),
    "two categories are called a",
  );
  refusal(annotation({ image_id: 8 }), "annotations[0] (id 5): image_id 8 is not among the images");
  refusal(annotation({ category_id: 3 }), "annotations[0] (id 5): category_id 3 is not among the categories");
  for (const bbox of [[0, 0, 1], [0, 0, -1, 1], "0 0 1 1", [0, 0, 1, null]]) {
    refusal(annotation({ bbox }), `annotations[0] (id 5): bbox is ${JSON.stringify(bbox)}, expected left, top, width`);
  }
  const empty = join(folderOf(records({ images: [], annotations: [] })), "boxes.json");
  refuses(() => coco(empty, { images: "." }), DataError, `${empty} lists no image`);
  const file = join(tempFolder({ "boxes.json": "{" }), "boxes.json");
  refuses(() => coco(file, { images: "." }), DataError, `${file}: is not JSON`);
  refuses(() => coco(`${file}x`, { images: "." }), DataError, `${file}x: cannot be read (ENOENT)`);
});
