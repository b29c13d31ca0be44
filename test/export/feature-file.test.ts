import { parquetReadObjects } from "hyparquet";
import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import { type FeatureTable, featureWriter } from "../../src/export/feature-file.js";
import { readNpy } from "../../src/formats/npy.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

/** Features of n images, 3 numbers each, with names that need care. */
function tableOf(n: number, labelled = true): FeatureTable {
  return {
    features: Float32Array.from({ length: 3 * n }, (_, i) => (i % 7) / 3 - 1e-9 * i),
    dim: 3,
    paths: Array.from({ length: n }, (_, i) => `a "b", ü/${i}.png`),
    labels: labelled ? Array.from({ length: n }, (_, i) => ["left", 'r"t'][i % 2]) : null,
  };
}

async function written(file: string, table: FeatureTable): Promise<Uint8Array> {
  const content = await featureWriter(file)(table);
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}

test("npy holds the features alone", async () => {
  const table = tableOf(5);
  const { shape, data } = readNpy(await written("x.npy", table), "x.npy");
  assert.equal([shape, [...(data as Float32Array)]], [[5, 3], [...table.features]]);
});

test("csv has a line per image: path, label, and numbers that read back to the same float32", async () => {
  const table = tableOf(2);
  const lines = new TextDecoder().decode(await written("x.csv", table)).split("\n");
  assert.is(lines.length, 3);
  assert.match(lines[0], /^"a ""b"", ü\/0\.png","left",/);
  assert.match(lines[1], /^"a ""b"", ü\/1\.png","r""t",/);
  const numbers = lines.slice(0, 2).flatMap((line) => line.split(",").slice(-3).map(Number));
  assert.equal(numbers, [...table.features]);
  assert.match(new TextDecoder().decode(await written("x.csv", tableOf(1, false))), /png","",/);
});

test("parquet gives path, label and features back, over several row groups", async () => {
  for (const table of [tableOf(2500), tableOf(3, false)]) {
    const file = await written("folder.v2/x.parquet", table);
    const rows = await parquetReadObjects({ file: file.buffer as ArrayBuffer });
    assert.is(rows.length, table.paths.length);
    rows.forEach((row, i) => {
      assert.is(row.path, table.paths[i]);
      assert.is(row.label, table.labels?.[i] ?? null);
      assert.equal(row.features, [...table.features.subarray(3 * i, 3 * i + 3)]);
    });
  }
});

test("equal features give equal bytes", async () => {
  for (const name of ["x.npy", "x.csv", "x.parquet"])
    assert.equal(await written(name, tableOf(9)), await written(name, tableOf(9)));
});

test("another ending is refused with those that are known", () => {
  for (const name of ["x.txt", "x", "folder.npy/x", ".csv/x"])
    refuses(() => featureWriter(name), ConfigError, `${name} must end in .npy or .csv or .parquet`);
});
