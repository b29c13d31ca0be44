import * as assert from "uvu/assert";
import { MultiCrop } from "../../src/data/multi-crop.js";
import { type InputRecipe, sampleInputs } from "../../src/data/sample-inputs.js";
import { TrainTransform } from "../../src/data/train-transform.js";
import { init } from "../../src/runtime/context.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { squareImage } from "../support/square-run.js";
import { test } from "../support/test.js";

await init();

const images = [0, 1, 2].map((i) => squareImage(i));
const indices = [7, 3, 5];
const [seed, look] = [2, 4];

/** The rows of a batch that belong to one image, from what is made of it alone. */
function expectRows(recipe: InputRecipe, whole: readonly Tensor[]): void {
  const inputs = sampleInputs(structuredClone(recipe));
  images.forEach((image, p) => {
    inputs.make(image, { seed, look, index: indices[p] });
    inputs.tensors.forEach((tensor, t) => {
      assert.is(whole[t].shape[0], images.length * tensor.shape[0]);
      for (let r = 0; r < tensor.shape[0]; r++)
        assert.equal(tensor.select(0, r).toArray(), whole[t].select(0, r * images.length + p).toArray());
    });
  });
}

test("crops of one image are its rows of the batch", () => {
  const options = { globalCropsSize: 12, localCropsSize: 8, localCropsNumber: 3, blurKernel: 3 } as const;
  const crops = new MultiCrop(options);
  const slots = crops.allocate(3);
  crops.write(images, { seed, epoch: look, samples: indices }, slots);
  expectRows({ kind: "crops", options }, [slots.globals, slots.locals]);
});

test("an image for learning from labels is its row of the batch", () => {
  const options = { size: 12, channels: 3, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4], jitter: 0.4, erasing: 0.5 };
  const transform = new TrainTransform(options);
  const target = transform.allocate(3);
  transform.write(images, { seed, looks: [look, look, look], indices }, target);
  expectRows({ kind: "labelled", options }, [target]);
});
