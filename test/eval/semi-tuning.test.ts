import * as assert from "uvu/assert";
import { range } from "../../src/data/dataset.js";
import { ConfigError } from "../../src/errors.js";
import { type SemiTuningOptions, semiTuned } from "../../src/eval/semi-tuning.js";
import { drawLabelled } from "../../src/eval/stratified.js";
import { init, memory } from "../../src/runtime/context.js";
import type { FinetuneSettings } from "../../src/train/finetune-settings.js";
import { finetuneRecipes } from "../../src/train/finetune-settings.js";
import type { FineTuner } from "../../src/train/finetuner.js";
import { freshEncoder, tinyTuning } from "../support/fine-tuning.js";
import { squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";

await init();
const encoder = freshEncoder();
const source = squareSource(60);
const sources = { train: range(source, 0, 40), test: range(source, 40, 60) };

const tuned = (changes: Partial<FinetuneSettings> = {}, options: Partial<SemiTuningOptions> = {}) =>
  semiTuned(encoder, sources, {
    ...{ amount: { perClass: 4 }, settings: tinyTuning({ leastArea: 0.8, flip: 0, ...changes }) },
    ...options,
  });

test("squares on the left and on the right are told apart from few labels, draw by draw", async () => {
  const result = (await tuned({ epochs: 20, lr: 6e-3 }, { draws: 2 }))!;
  assert.ok(result.top1 > 0.8, `${result.top1}`);
  assert.is(result.test, 20);
  assert.equal(
    result.draws.map(({ labels, iterations }) => [labels, iterations]),
    [
      [8, 40],
      [8, 40],
    ],
  );
  const mean = (result.draws[0].top1 + result.draws[1].top1) / 2;
  assert.ok(Math.abs(result.top1 - mean) < 1e-12);
  assert.ok(Math.abs(result.deviation! - Math.abs(result.draws[0].top1 - mean) * Math.SQRT2) < 1e-12);
  assert.ok(result.interval.low <= mean && mean <= result.interval.high);
});

/** Lets draws be looked at and trains none. */
async function drawn(options: Partial<SemiTuningOptions>, changes: Partial<FinetuneSettings> = {}) {
  const seen: { paths: string[]; settings: FinetuneSettings }[] = [];
  const train = async ({ source, settings }: FineTuner) => {
    seen.push({ paths: Array.from({ length: source.length }, (_, i) => source.path(i)), settings });
    return true;
  };
  const result = await tuned(changes, { train, ...options });
  return { seen, result: result! };
}

test("each draw learns from its own labels alone, with a seed of its own, and no batch is larger than them", async () => {
  const { seen } = await drawn({ draws: 2, seed: 5 }, { batch: 64, seed: 7 });
  for (const [draw, { paths, settings }] of seen.entries()) {
    const rows = drawLabelled(sources.train.labels!, { perClass: 4 }, { seed: 5, draw });
    assert.equal(
      paths,
      [...rows].map((row) => sources.train.path(row)),
    );
    assert.equal([settings.seed, settings.batch], [7 + draw, 8]);
  }
});

test("a share of the labels is a share of each class", async () => {
  const { result } = await drawn({ amount: { share: 0.1 } });
  assert.equal([result.draws.map(({ labels }) => labels), result.deviation], [[4], null]);
});

test("the same seed gives the same figures and leaves the encoder as it is", async () => {
  const weights = () => [...encoder.backbone.stateDict()].map(([, x]) => x.toArray());
  const before = weights();
  const first = await tuned({ epochs: 4 }, { draws: 2 });
  assert.equal(await tuned({ epochs: 4 }, { draws: 2 }), first);
  assert.equal(weights(), before);
});

test("where there is a moving average, that is judged", async () => {
  // With a momentum of 1 − 2⁻⁵⁰ it is the start, whatever has been learned.
  const still = (epochs: number) => tuned({ epochs, lr: 1e-2, ema: 1 - 2 ** -50 });
  const [short, long] = [(await still(1))!, (await still(12))!];
  assert.is(long.top1, short.top1);
  assert.is.not((await tuned({ epochs: 12, lr: 1e-2 }))!.top1, long.top1);
});

test("the published recipe has a hidden layer of 2048, a rate for 512 images and 1000 epochs", async () => {
  const { settings } = (await drawn({ settings: finetuneRecipes.semi })).seen[0];
  const { epochs, lr, lrBatch, hidden, weightDecay, dropPath, layerDecay } = settings;
  assert.equal([epochs, lr, lrBatch, hidden, weightDecay, dropPath, layerDecay], [1000, 5e-6, 512, 2048, 0.05, 0.1, 1]);
});

test("a draw that is stopped ends the protocol without a result, and memory is given back", async () => {
  const before = memory().persistentBytes;
  let draws = 0;
  const train = async (tuner: FineTuner) => {
    await tuner.step();
    return ++draws < 2;
  };
  assert.is(await tuned({}, { draws: 3, train }), null);
  assert.is(draws, 2);
  assert.is(memory().persistentBytes, before);
});

test("draws that are no number are refused", async () => {
  await tuned({}, { draws: 0 }).then(
    () => assert.unreachable(),
    (error: Error) => assert.ok(error instanceof ConfigError && /0 draws/.test(error.message)),
  );
});
