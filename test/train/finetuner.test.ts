import * as assert from "uvu/assert";
import { passOrder } from "../../src/data/order.js";
import { ConfigError, DataError } from "../../src/errors.js";
import { classify } from "../../src/eval/classify.js";
import type { Encoder } from "../../src/models/encoder.js";
import { init, memory } from "../../src/runtime/context.js";
import type { FinetuneSettings } from "../../src/train/finetune-settings.js";
import { FineTuner } from "../../src/train/finetuner.js";
import { bitsOf, copied, everythingOn, freshEncoder, tinyTuning, tuned } from "../support/fine-tuning.js";
import { refuses } from "../support/refuses.js";
import { squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();

const source = squareSource(18);
const tunerOf = (changes: Partial<FinetuneSettings> = {}, encoder: Encoder = freshEncoder(), images = source) =>
  new FineTuner(encoder, images, tinyTuning(changes));

test("a run has the steps that settings and images give, and a rate that rises from 0 and falls to its end", async () => {
  const tuner = tunerOf({ epochs: 5, warmupEpochs: 1, minLr: 1e-6 });
  assert.equal(tuner.plan, { iterationsPerEpoch: 4, totalIterations: 20, imagesPerStep: 4, peakLearningRate: 3e-3 });
  const rates = (await tuned(tuner)).map(({ lr }) => lr);
  assert.equal([rates[0], rates[3], rates[4]], [0, 3e-3, 3e-3]);
  // Half of the cosine's 16 values lies at the middle of its range.
  assert.ok(Math.abs(rates[12] - (3e-3 + 1e-6) / 2) < 1e-12);
  assert.ok(rates[19] > 1e-6 && rates[19] < 1e-4);
  tuner.dispose();
});

test("a cosine over more epochs is cut; a rate for another batch grows in proportion; a tenth warms up by default", async () => {
  const tuner = tunerOf({ epochs: 1, scheduleEpochs: 2, warmupEpochs: 0 });
  const rates = (await tuned(tuner)).map(({ lr }) => lr);
  assert.is(rates.length, 4);
  assert.ok(rates[3] > 2e-3, "a quarter short of the middle");
  assert.is(tunerOf({ lrBatch: 512, lr: 1, accumulate: 2 }).plan.peakLearningRate, 8 / 512);
  const warm = tunerOf({ epochs: 10, warmupEpochs: null });
  assert.equal(
    (await tuned(warm, 5)).map(({ lr }) => lr === 3e-3),
    [false, false, false, true, true],
  );
});

for (const [name, encoder, side, epochs] of [
  ["ViT", freshEncoder, 16, 40],
  ["Swin", tinySwin, 32, 15],
  ["ResNet", tinyResnet, 32, 12],
  ["ResNet with batch statistics", () => tinyResnet({ norm: "batch" }), 32, 12],
] as const) {
  test(`a ${name} learns to tell two kinds of images apart`, async () => {
    const images = squareSource(16, side);
    const changes = { epochs, batch: 8, lr: 6e-3, ema: 0.7, leastArea: 0.8, flip: 0, layerDecay: 0.9 };
    const tuner = tunerOf(changes, encoder(), images);
    const reports = await tuned(tuner);
    assert.ok(reports.every(({ updated, gradientNorm }) => updated && gradientNorm > 0));
    assert.ok(reports.at(-1)!.loss < 0.4, `loss ${reports.at(-1)!.loss}`);
    for (const model of [tuner.model, tuner.averaged()!])
      assert.is((await classify(images, model, tuner.spec)).top1, 1);
    tuner.dispose();
  });
}

test("the same seed gives the same bits, another seed others, and the encoder stays as it is", async () => {
  const encoder = freshEncoder();
  const before = [...encoder.backbone.stateDict()].map(([, x]) => x.toArray());
  const bits = async (seed: number) => {
    const tuner = tunerOf({ ...everythingOn, seed }, encoder);
    await tuned(tuner);
    return bitsOf(copied(tuner.state()));
  };
  const first = await bits(1);
  assert.ok((await bits(1)) === first);
  assert.ok((await bits(2)) !== first);
  assert.equal(
    [...encoder.backbone.stateDict()].map(([, x]) => x.toArray()),
    before,
  );
});

for (const changes of [everythingOn, { ...everythingOn, accumulate: 2 }, {}]) {
  test(`a run that is restored in between ends with the same bits: ${JSON.stringify(changes)}`, async () => {
    const whole = tunerOf(changes);
    await tuned(whole);
    const steps = whole.iteration;
    for (const at of [1, steps - 1]) {
      const first = tunerOf(changes);
      await tuned(first, at);
      const saved = copied(first.state());
      first.dispose();
      const second = tunerOf(changes);
      second.restore(saved);
      assert.is(second.iteration, at);
      await tuned(second);
      assert.ok(bitsOf(copied(second.state())) === bitsOf(copied(whole.state())), `restored at ${at}`);
    }
  });
}

test("with repeated augmentation an epoch has as many steps on fewer images, and ends with the same bits when restored", async () => {
  const reads: number[] = [];
  const read = (index: number) => {
    reads.push(index);
    return source.read(index);
  };
  const repeated = { ...everythingOn, augRepeats: 2, epochs: 1 };
  const whole = tunerOf(repeated, freshEncoder(), { ...source, recipe: undefined, read });
  assert.is(whole.plan.iterationsPerEpoch, tunerOf({ epochs: 1 }).plan.iterationsPerEpoch);
  await tuned(whole, 2);
  whole.close();
  assert.equal(reads.slice(0, 4), [...passOrder(18, 3, 0)].slice(0, 4), "two images for each step of four places");
  const bits = bitsOf(copied(whole.state()));
  const first = tunerOf(repeated);
  await tuned(first, 1);
  const second = tunerOf(repeated);
  second.restore(copied(first.state()));
  await tuned(second, 1);
  assert.ok(bitsOf(copied(second.state())) === bits);
  const once = tunerOf({ ...repeated, augRepeats: 1 });
  await tuned(once, 2);
  assert.ok(bitsOf(copied(once.state())) !== bits);
});

test("the moving average is that of the weights after each step", async () => {
  const tuner = tunerOf({ ema: 0.7, warmupEpochs: 0 });
  const weight = () => tuner.model.stateDict().get("head.weight")!.toArray();
  let expected = Array.from(weight());
  for (let i = 0; i < 3; i++) {
    await tuner.step();
    expected = Array.from(weight(), (w, k) => 0.7 * expected[k] + 0.3 * w);
  }
  const average = tuner.ema!.stateDict().get("head.weight")!.toArray();
  for (const [k, value] of expected.entries()) assert.ok(Math.abs(average[k] - value) < 1e-6);
  assert.not.equal(average, weight());
  assert.is(tunerOf().averaged(), null);
});

test("running statistics of the moving average are those of the model", async () => {
  const tuner = tunerOf({ ema: 0.9 }, tinyResnet({ norm: "batch" }), squareSource(18, 32));
  await tuned(tuner, 2);
  const statistics = (name: string, model = tuner.averaged()!) => model.stateDict().get(name)!.toArray();
  const name = "backbone.norm1.running_mean";
  assert.equal(statistics(name), statistics(name, tuner.model));
  assert.equal([...statistics("backbone.norm1.num_batches_tracked")], [9], "7 before, two steps");
});

test("drop path, recomputing and accumulation act as they are meant to", async () => {
  const after = async (changes: Partial<FinetuneSettings>) => {
    const tuner = tunerOf({ warmupEpochs: 0, ...changes });
    await tuned(tuner, 3);
    return copied(tuner.state()).model;
  };
  const plain = await after({ dropPath: 0.4 });
  assert.not.equal(await after({}), plain);
  assert.equal(await after({ dropPath: 0.4, recompute: true }), plain);
  const tuner = tunerOf({ accumulate: 2 });
  assert.equal(tuner.plan, { iterationsPerEpoch: 2, totalIterations: 4, imagesPerStep: 8, peakLearningRate: 3e-3 });
  const halves = await tuner.step();
  const whole = await tunerOf({ batch: 8 }).step();
  assert.is(halves.images, 8);
  assert.ok(Math.abs(halves.loss - whole.loss) < 1e-5, "the same images in two parts");
  assert.ok(Math.abs(halves.gradientNorm / whole.gradientNorm - 1) < 1e-4);
});

test("a step that is not finite changes nothing", async () => {
  const tuner = tunerOf({ warmupEpochs: 0, ema: 0.5 });
  await tuner.step();
  const bias = tuner.model.stateDict().get("backbone.blocks.0.mlp.fc1.bias")!;
  const good = bias.toArray();
  bias.write(new Float32Array(bias.numel).fill(Number.NaN));
  const before = bitsOf(copied(tuner.state()));
  assert.is((await tuner.step()).updated, false);
  assert.ok(bitsOf({ ...copied(tuner.state()), iteration: 1 }) === before);
  bias.write(good);
  assert.is((await tuner.step()).updated, true);
});

test("steps after the first take no more memory, and disposing gives all back", async () => {
  const before = memory().persistentBytes;
  const encoder = freshEncoder();
  const tuner = tunerOf({ ...everythingOn, randAugment: null, jitter: 0.4 }, encoder);
  await tuned(tuner, 2);
  const during = memory().persistentBytes;
  await tuned(tuner, 4);
  assert.is(memory().persistentBytes, during);
  tuner.dispose();
  encoder.backbone.dispose();
  assert.is(memory().persistentBytes, before);
});

test("what cannot be learned from is refused, and so is a state of other settings", async () => {
  const { labels: _, ...unlabelled } = source;
  refuses(() => tunerOf({}, freshEncoder(), { ...unlabelled, labels: null }), DataError, "has no labels");
  refuses(() => tunerOf({ batch: 19 }), DataError, "18 images do not fill a batch of 19");
  refuses(() => tunerOf({ lr: -1 }), ConfigError, "lr is -1");
  const saved = copied(tunerOf().state());
  refuses(() => tunerOf({ hidden: 5 }).restore(saved), ConfigError, "does not fit the settings");
  refuses(() => tunerOf({ ema: 0.5 }).restore(saved), ConfigError, "does not fit the settings");
});

test("a batch of one is refused where batch normalisation has to learn from it, and nowhere else", () => {
  const alone = { batch: 1, accumulate: 4 };
  const images = squareSource(4, 32);
  const reason =
    "batch is 1, and this ResNet has batch normalisation, whose statistics need more images at once than one";
  refuses(() => tunerOf(alone, tinyResnet({ norm: "batch" }), images), ConfigError, reason);
  for (const encoder of [tinyResnet(), tinySwin()]) tunerOf(alone, encoder, images).dispose();
  tunerOf({ batch: 2 }, tinyResnet({ norm: "batch" }), images).dispose();
});
