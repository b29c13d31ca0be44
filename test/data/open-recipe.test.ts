import { join } from "node:path";
import * as assert from "uvu/assert";
import { type ImageSource, randomSplit } from "../../src/data/dataset.js";
import { memoryCache } from "../../src/data/memory-cache.js";
import { openRecipe } from "../../src/data/open-recipe.js";
import { openSource } from "../../src/data/source-spec.js";
import { Rng } from "../../src/tensor/random.js";
import { folder, specs } from "../support/every-source.js";
import { test } from "../support/test.js";

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
