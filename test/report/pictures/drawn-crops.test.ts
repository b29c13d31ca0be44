import * as assert from "uvu/assert";
import { batches } from "../../../src/data/loader.js";
import { ConfigError, DataError } from "../../../src/errors.js";
import type { Config } from "../../../src/poa/config-keys.js";
import { type DrawOptions, drawCrops } from "../../../src/report/pictures/drawn-crops.js";
import { init, memory } from "../../../src/runtime/context.js";
import { BatchMaker } from "../../../src/train/crops.js";
import { runConfig, squareSource } from "../../support/square-run.js";
import { test } from "../../support/test.js";

await init();
const source = squareSource(9, 24);

/** What a trainer is fed in the first micro-batch of a step. */
async function fed(config: Config, iteration: number) {
  const { batch_size_per_gpu: batchSize, seed, accumulate } = config.train;
  const stream = batches(source, { batchSize, seed, startIteration: iteration * accumulate, channels: 3 });
  const { value } = await stream[Symbol.asyncIterator]().next();
  const maker = new BatchMaker(config);
  const { globals, locals, masked } = maker.make(value, iteration, 0, true);
  const result = {
    indices: [...value.indices],
    globals: globals.toArray(),
    locals: locals!.toArray(),
    masks: masked!.masks.toArray(),
  };
  maker.dispose();
  return result;
}

test("crops and masks are those that training is fed, to within half a level", async () => {
  for (const [iteration, overrides] of [
    [0, []],
    [3, ["train.accumulate=2", "train.seed=9"]],
  ] as const) {
    const config = runConfig(...overrides);
    const { crops, train } = config;
    const expected = await fed(config, iteration);
    const drawn = await drawCrops(config, source, { iteration });
    const batch = train.batch_size_per_gpu;
    assert.equal(
      drawn.map(({ path }) => path),
      expected.indices.map((index) => source.path(index)),
    );
    const compare = (data: Uint8Array, side: number, values: ArrayLike<number>, row: number) => {
      for (let i = 0; i < data.length; i++) {
        const [pixel, c] = [Math.floor(i / 3), i % 3];
        const value = values[(row * 3 + c) * side * side + pixel] * crops.std[c] + crops.mean[c];
        assert.ok(Math.abs(data[i] / 255 - value) <= 0.5 / 255 + 1e-6, `row ${row}, pixel ${pixel}`);
      }
    };
    drawn.forEach(({ globals, locals }, position) => {
      assert.equal([globals.length, locals.length], [2, crops.local_crops_number]);
      globals.forEach(({ image, mask }, crop) => {
        const row = crop * batch + position;
        compare(image.data, 16, expected.globals, row);
        assert.equal([...(mask ?? new Uint8Array(16))], [...expected.masks.slice(row * 16, (row + 1) * 16)]);
      });
      locals.forEach((image, crop) => {
        compare(image.data, 8, expected.locals, crop * batch + position);
      });
    });
    assert.ok(
      drawn.some(({ globals }) => globals.some(({ mask }) => mask?.includes(1))),
      "something is masked",
    );
    assert.ok(
      drawn.some(({ globals }) => globals.some(({ mask }) => mask === null)),
      "and something is not",
    );
  }
});

test("no more images are given than asked for, and none twice", async () => {
  const drawn = await drawCrops(runConfig(), source, { images: 3 });
  assert.is(new Set(drawn.map(({ path }) => path)).size, 3);
  assert.is((await drawCrops(runConfig(), source, { images: 100 })).length, 4, "a batch");
});

test("another seed draws others, the same the same", async () => {
  const first = async (seed: number) =>
    (await drawCrops(runConfig(`train.seed=${seed}`), source))[0].globals[0].image.data;
  assert.equal(await first(3), await first(3));
  assert.not.equal(await first(3), await first(4));
});

test("without local crops and without the patch loss there are neither", async () => {
  const config = runConfig("crops.local_crops_number=0", "ibot.loss_weight=0");
  for (const { globals, locals } of await drawCrops(config, source)) {
    assert.is(locals.length, 0);
    for (const { mask } of globals) assert.is(mask, null);
  }
});

test("a step that the run does not have and too few images are refused, and no memory stays behind", async () => {
  const before = memory().persistentBytes;
  const failing = async (options: DrawOptions, images = 9) => {
    try {
      await drawCrops(runConfig(), squareSource(images), options);
    } catch (error) {
      return error as Error;
    }
    throw new Error("was not refused");
  };
  const late = await failing({ iteration: 8 });
  assert.instance(late, ConfigError);
  assert.match(late.message, /step 8 is not one of the 8/);
  const few = await failing({}, 3);
  assert.instance(few, DataError);
  assert.match(few.message, /3 images do not fill a batch of 4/);
  assert.is(memory().persistentBytes, before);
});
