import * as assert from "uvu/assert";
import { imageArray } from "../../../src/data/image-array.js";
import { DataError } from "../../../src/errors.js";
import { type FeaturedImages, findNeighbors, neighborsPicture } from "../../../src/report/pictures/neighbors.js";
import { TileLayout } from "../../../src/report/pictures/tile-sheet.js";
import { init } from "../../../src/runtime/context.js";
import { fromArray, keep } from "../../../src/tensor/create.js";
import { refuses } from "../../support/refuses.js";
import { squareImage } from "../../support/square-run.js";
import { test } from "../../support/test.js";

await init();

/** Images with unit features at the given angles in degrees, and a class each. */
function featured(angles: readonly number[], labels?: readonly number[], classes = ["near", "far"]): FeaturedImages {
  const images = angles.map((_, i) => squareImage(i));
  const source = labels ? imageArray(images, { labels, classes }) : imageArray(images);
  const features = keep(
    fromArray(
      angles.flatMap((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]),
      [angles.length, 2],
    ),
  );
  return {
    source,
    features: {
      features,
      labels: Int32Array.from(labels ?? angles.map(() => 0)),
      indices: Int32Array.from(angles.keys()),
    },
  };
}

test("neighbours come in the order of their similarity", () => {
  const bank = featured([90, 10, 45, 0, 180]);
  const [{ query, neighbors }] = findNeighbors(featured([5]), bank, { k: 4 });
  assert.is(query, 0);
  assert.equal(neighbors.map(({ index }) => index).sort(), [0, 1, 2, 3]);
  assert.equal(
    neighbors.slice(2).map(({ index }) => index),
    [2, 0],
  );
  for (const { index, similarity } of neighbors) {
    const angle = ([90, 10, 45, 0, 180][index] - 5) * (Math.PI / 180);
    assert.ok(Math.abs(similarity - Math.cos(angle)) < 1e-6);
  }
});

test("where queries and bank are the same no image is its own neighbour, also among equals", () => {
  const all = featured([0, 0, 0, 30, 90]);
  const found = findNeighbors(all, all, { count: 5, k: 2 });
  assert.equal(
    found.map(({ query, neighbors }) => [query, ...neighbors.map(({ index }) => index)]),
    [
      [0, 1, 2],
      [1, 0, 2],
      [2, 0, 1],
      [3, 0, 1],
      [4, 3, 0],
    ],
  );
});

test("queries are spread over all, and no more neighbours are asked for than there are", () => {
  const bank = featured([0, 10]);
  const found = findNeighbors(featured([...Array(10).keys()]), bank, { count: 2, k: 9 });
  assert.equal(
    found.map(({ query }) => query),
    [2, 7],
  );
  assert.equal(
    found.map(({ neighbors }) => neighbors.length),
    [2, 2],
  );
});

test("images that could not be read are passed over: rows are images by their indices", () => {
  const [queries, bank] = [featured([0]), featured([90, 5])];
  const shifted = { ...bank, features: { ...bank.features, indices: Int32Array.of(1, 4) } };
  assert.is(findNeighbors(queries, shifted)[0].neighbors[0].index, 4);
});

test("with labels a frame tells right from wrong, and the caption counts", async () => {
  const side = 20;
  const queries = featured([0], [0]);
  const bank = featured([3, 6], [0, 1]);
  const { image, caption } = await neighborsPicture(queries, bank, { side });
  const layout = new TileLayout({
    headings: ["query"],
    rows: [Array(3).fill({ image: squareImage(0), label: "near" })],
    side,
  });
  assert.equal([image.width, image.height], [layout.width, layout.height]);
  const beside = (column: number) => {
    const { x, y } = layout.at(0, column);
    return [...image.data.subarray((y * image.width + x - 2) * 3, (y * image.width + x - 2) * 3 + 3)];
  };
  assert.equal(
    [beside(0), beside(1), beside(2)],
    [
      [255, 255, 255],
      [0, 158, 115],
      [213, 94, 0],
    ],
  );
  assert.match(caption, /1 of 2 are of the query's class/);
});

test("classes are compared by name, not by number", async () => {
  const { caption } = await neighborsPicture(featured([0], [0]), featured([3], [1], ["far", "near"]));
  assert.match(caption, /1 of 1 are of the query's class/);
});

test("without labels the similarity stands below, and no frame", async () => {
  const { image, caption } = await neighborsPicture(featured([0]), featured([3, 6]), { side: 20 });
  for (let i = 0; i < image.data.length; i += 3) assert.not.equal([...image.data.subarray(i, i + 3)], [0, 158, 115]);
  assert.match(caption, /cosine similarity/);
});

test("an image alone has no neighbour", () => {
  const one = featured([0]);
  refuses(() => findNeighbors(one, one), DataError, "at least 2 images");
});
