import * as assert from "uvu/assert";
import { vitSpace } from "../../src/elastic/space.js";
import { DataError } from "../../src/errors.js";
import { bootstrapMean } from "../../src/eval/bootstrap.js";
import { extractFeatures } from "../../src/eval/features.js";
import { knnAccuracy } from "../../src/eval/knn.js";
import { type NetworkFigures, ranked, scoreNetworks, sizeCorrelations } from "../../src/eval/rank.js";
import { sliceEncoder } from "../../src/models/encoder.js";
import { init, memory } from "../../src/runtime/context.js";
import { squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();
const full = tinyEncoder();
const networks = vitSpace({ minWidth: 8, maxWidth: 16, headDim: 8, minDepth: 1, maxDepth: 2 }).distinct();
const bank = squareSource(40);
const queries = squareSource(25);

test("the accuracy of each network is that of its own evaluation, with the interval of its answers", async () => {
  const { persistentBytes } = memory();
  const shares: number[] = [];
  const scores = await scoreNetworks(full, networks, { bank, queries }, { k: 3, onProgress: (x) => shares.push(x) });
  assert.is(memory().persistentBytes, persistentBytes);
  assert.equal([scores.bank, scores.queries, scores.networks.length], [40, 25, 4]);
  for (const { network, knn, interval, correct } of scores.networks) {
    const encoder = sliceEncoder(full, network);
    const [known, asked] = [await extractFeatures(bank, encoder), await extractFeatures(queries, encoder)];
    assert.is(knn, knnAccuracy(asked, known, { ks: [3], classes: 2 })[3], network.name);
    assert.equal(interval, bootstrapMean(correct));
    known.features.dispose();
    asked.features.dispose();
  }
  assert.is(shares.at(-1), 1);
  assert.equal(
    shares,
    [...shares].sort((a, b) => a - b),
  );
});

test("networks whose features do not fit together read the images again, with the same scores and one warning", async () => {
  const warnings: string[] = [];
  const broken = {
    ...bank,
    read: (index: number) => {
      if (index === 7) throw new DataError("image 7: is broken.");
      return bank.read(index);
    },
  };
  const score = (featureBytes?: number) =>
    scoreNetworks(
      full,
      networks,
      { bank: broken, queries },
      { k: 3, featureBytes, onWarning: (x) => warnings.push(x) },
    );
  const together = await score();
  assert.is(warnings.length, 1);
  assert.is(together.bank, 39);
  assert.equal(await score(1), together);
  assert.is(warnings.length, 2);
});

test("more neighbours than there are images in the bank count as all", async () => {
  const [few, all] = [
    await scoreNetworks(full, networks, { bank, queries }, { k: 40 }),
    await scoreNetworks(full, networks, { bank, queries }, { k: 1000 }),
  ];
  assert.equal(
    few.networks.map(({ knn }) => knn),
    all.networks.map(({ knn }) => knn),
  );
});

const figures = (name: string, knn: number, params: number, ms: number): NetworkFigures => ({
  ...{ name, width: params, depth: 2, params, macs: params, draws: 1, bytes: 4 * params, ms, msP95: ms, knn },
  interval: { low: knn, high: knn },
});

test("the ranking is by accuracy, of equal networks the smaller first, and marks the front", () => {
  const rows = [figures("a", 0.5, 10, 1), figures("b", 0.9, 30, 3), figures("c", 0.9, 20, 2), figures("d", 0.4, 20, 2)];
  assert.equal(
    ranked(rows).map(({ name, pareto }) => [name, pareto]),
    [
      ["c", true],
      ["b", false],
      ["a", true],
      ["d", false],
    ],
  );
});

test("correlations are those of accuracy with parameters, width and depth; null where a size does not vary", () => {
  const rows = [figures("a", 0.5, 10, 1), figures("b", 0.7, 20, 2), figures("c", 0.6, 30, 3)];
  assert.equal(sizeCorrelations(rows), { params: 0.5, width: 0.5, depth: null });
});
