import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { RankFile, rankingOf } from "../../src/report/ranking.js";
import { rankFile } from "../support/run-files.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

test("what subnets rank wrote is read, network by network", () => {
  const ranking = rankingOf(rankFile)!;
  assert.equal([ranking.k, ranking.steps, ranking.batch, ranking.networks.length], [20, 8, 1, 4]);
  assert.equal(ranking.violations, [{ smaller: "8x2", bigger: "16x1", difference: 0.05 }]);
  const { draws: _, ...wanted } = rankFile.networks[3];
  assert.equal(ranking.networks[3], wanted);
});

test("the depth of a ResNet is a list", () => {
  const network = { ...rankFile.networks[0], name: "64x4x6", width: 64, depth: [3, 4, 6, 3] };
  assert.equal(rankingOf({ networks: [network] })!.networks[0].depth, [3, 4, 6, 3]);
});

test("what is no network is left out, a number that is missing is NaN, and nothing at all is no ranking", () => {
  const partial = { name: "8x1", width: 8, depth: 1 };
  const broken = [null, 3, "x", {}, { name: 1, width: 8, depth: 1 }, { name: "8x1", width: 8, depth: ["1"] }];
  const { networks, data } = rankingOf({ networks: [...broken, partial] })!;
  assert.is(networks.length, 1);
  assert.is(data, "");
  assert.ok(Number.isNaN(networks[0].knn) && Number.isNaN(networks[0].interval.low));
  assert.is(networks[0].pareto, false);
  assert.equal(rankingOf({ networks: [partial], violations: [null, {}, { smaller: 1, bigger: "x" }] })!.violations, []);
  for (const file of [null, {}, { networks: {} }, { networks: [] }, { networks: broken }])
    assert.is(rankingOf(file), null);
});

test("the file is read again when it changes, and forgotten when it goes", () => {
  const path = join(tempFolder(), "rank.json");
  const file = new RankFile(path);
  assert.is(file.refresh(), false);
  assert.is(file.ranking, null);
  writeFileSync(path, JSON.stringify(rankFile));
  assert.is(file.refresh(), true);
  assert.is(file.ranking!.networks.length, 4);
  assert.is(file.refresh(), false);
  writeFileSync(`${path}.new`, JSON.stringify({ ...rankFile, networks: rankFile.networks.slice(0, 2) }));
  renameSync(`${path}.new`, path);
  assert.is(file.refresh(), true);
  assert.is(file.ranking!.networks.length, 2);
  writeFileSync(path, "{ broken");
  assert.is(file.refresh(), true);
  assert.is(file.ranking, null);
  rmSync(path);
  assert.is(file.refresh(), true);
});
