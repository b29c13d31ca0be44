import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import * as assert from "uvu/assert";
import { type ImageSource, randomSplit } from "../../src/data/dataset.js";
import { memoryCache } from "../../src/data/memory-cache.js";
import { openRecipe } from "../../src/data/open-recipe.js";
import { openSource } from "../../src/data/source-spec.js";
import { Rng } from "../../src/tensor/random.js";
import { cifarFile } from "../support/cifar-files.js";
import { imageFixture } from "../support/image-fixtures.js";
import { tarFile } from "../support/tar-files.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const png = imageFixture("png-suite/basn2c08.png");
const jpeg = imageFixture("jpeg-size/jpg-size-17x17.jpg");

function parquet(): Uint8Array {
  const columnData = [{ name: "image", data: [png, jpeg], type: "BYTE_ARRAY" as const }];
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

/** An IDX file of bytes. */
const idx = (dims: readonly number[], data: readonly number[]) =>
  Uint8Array.from([0, 0, 8, dims.length, ...dims.flatMap((n) => [0, 0, 0, n]), ...data]);

const folder = tempFolder({
  "photos/train/a/1.png": png,
  "photos/train/b/2.jpg": jpeg,
  "photos/test/a/3.png": png,
  "photos/list.txt": "train/b/2.jpg\ntrain/a/1.png\n",
  "tar/0.tar": tarFile([
    { name: "x.png", content: png },
    { name: "x.cls", content: "1" },
    { name: "y.jpg", content: jpeg },
    { name: "y.cls", content: "0" },
  ]),
  "rows.parquet": parquet(),
  "cifar/test_batch.bin": cifarFile([[3], [1], [4]]),
  "cifar100/test.bin": cifarFile([
    [1, 60],
    [0, 7],
  ]),
  "idx/train-images-idx3-ubyte": idx([2, 1, 2], [1, 2, 3, 4]),
  "idx/train-labels-idx1-ubyte": idx([2], [1, 0]),
});

const specs = [
  "photos",
  "photos#test",
  "list:photos/list.txt",
  "glob:photos/**/*.png",
  "wds:tar/0.tar",
  "parquet:rows.parquet",
  "cifar10:cifar#test@1..3",
  "cifar100:cifar100#test",
  "idx:idx#train",
];

/** All that one can see of a source. */
async function contentOf(source: ImageSource) {
  const images = [];
  for (let i = 0; i < source.length; i++) images.push({ ...(await source.read(i)), path: source.path(i) });
  const { name, labels, classes } = source;
  return { name, labels, classes, images, fingerprint: source.fingerprint() };
}

/** A source as another thread opens it. */
const again = (source: ImageSource) => openRecipe(structuredClone(source.recipe!), 0.5);

for (const spec of specs) {
  test(`${spec} is the same when it is opened by its recipe`, async () => {
    const source = await openSource(spec, { dataFolder: folder, channels: 3 });
    assert.equal(await contentOf(await again(source)), await contentOf(source));
  });
}

test("a default split, decoding options and wrappers go along", async () => {
  const source = await openSource("photos", { dataFolder: folder, split: "train", channels: 1 });
  const [part] = randomSplit(source, 1, new Rng(3));
  const kept = memoryCache(part, 1 << 20);
  const content = await contentOf(await again(kept));
  assert.equal(content, await contentOf(kept));
  assert.is(content.images[0].channels, 1);
  assert.ok(content.images[0].path.startsWith(join(folder, "photos/train")));
});
