import * as assert from "uvu/assert";
import { plainCrop } from "../../bench/data/plain-crops.js";
import { MultiCrop } from "../../src/data/multi-crop.js";
import { init } from "../../src/runtime/context.js";
import { imageFixture, pixels } from "../support/image-fixtures.js";
import { test } from "../support/test.js";

await init();

test("the crops that the bench makes in plain TypeScript are those of the kernels but for rounding", async () => {
  const photo = await pixels(imageFixture("jpeg-odd/hopper.jpg"));
  const crops = new MultiCrop({ globalCropsSize: 48, localCropsSize: 24, localCropsNumber: 2, std: [1, 1, 1] });
  const slots = crops.allocate(1);
  let [apart, count] = [0, 0];
  for (let sample = 0; sample < 12; sample++) {
    const key = { seed: 0, epoch: 0, sample };
    crops.writeImage(photo, key, 0, slots);
    crops.policies.forEach(({ size }, crop) => {
      const plain = plainCrop(photo, crops.parameters(key, crop, photo), size, crops.options);
      const own = (crop < 2 ? slots.globals.select(0, crop) : slots.locals.select(0, crop - 2)).toArray();
      plain.forEach((value, i) => {
        if (Math.abs(value - own[i]) > 4 / 255) apart++;
      });
      count += plain.length;
    });
  }
  assert.ok(apart < 0.02 * count, `${apart} of ${count}`);
});
