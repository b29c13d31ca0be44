import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import * as assert from "uvu/assert";
import { readNpy } from "../../src/formats/npy.js";
import { expectCode, expectExit, imagesIn, tinyPretrain, workshop } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const cwd = workshop();
await expectCode(0, tinyPretrain, { cwd });
await expectCode(0, ["subnets", "extract", "run", "--net", "8x1", "--out", "."], { cwd });

const npy = (path: string) => readNpy(readFileSync(join(cwd, path)), path);

/** Rows of a CSV file of features: path, class, numbers. */
function csv(path: string): { paths: string[]; labels: string[]; values: number[][] } {
  const rows = readFileSync(join(cwd, path), "utf8").trimEnd().split("\n");
  const fields = rows.map((row) => /^"((?:[^"]|"")*)","((?:[^"]|"")*)",(.*)$/.exec(row)!);
  return {
    paths: fields.map(([, name]) => name.replaceAll('""', '"')),
    labels: fields.map(([, , label]) => label),
    values: fields.map(([, , , numbers]) => numbers.split(",").map(Number)),
  };
}

test("features go to npy, csv or parquet, the same numbers in the order of the images", async () => {
  const { result, events } = await expectExit(0, ["embed", "run", "--data", "images", "--out", "all.npy", "--json"], {
    cwd,
  });
  assert.is(events.length, 1);
  assert.equal(
    [result.event, result.count, result.dim, result.network, result.file],
    ["result", 16, 16, "16x2", "all.npy"],
  );
  await expectExit(0, ["embed", "run", "--data", "images", "--out", "all.csv"], { cwd });
  const [array, table] = [npy("all.npy"), csv("all.csv")];
  assert.equal(array.shape, [16, 16]);
  assert.equal(table.values.flat(), [...(array.data as Float32Array)]);
  assert.equal(table.paths.slice(0, 2), [join("images", "left", "000.png"), join("images", "left", "002.png")]);
  assert.equal(table.labels, [...Array(8).fill("left"), ...Array(8).fill("right")]);
  await expectCode(0, ["embed", "run", "--data", "images", "--out", "all.parquet"], { cwd });
  const { buffer } = new Uint8Array(readFileSync(join(cwd, "all.parquet")));
  const rows = await parquetReadObjects({ file: buffer });
  assert.equal(
    rows.map(({ path, label, features }) => [path, label, features]),
    table.paths.map((path, i) => [path, table.labels[i], table.values[i]]),
  );
});

test("a sub-network in place gives what its extracted file gives", async () => {
  await expectCode(0, ["embed", "run", "--net", "8x1", "--data", "images", "--out", "slice.npy"], { cwd });
  const { stdout } = await expectCode(0, ["embed", "8x1.safetensors", "--data", "images", "--out", "file.npy"], {
    cwd,
  });
  assert.is(stdout, "file.npy: 16 features of 8 numbers (network 8x1)\n");
  const [slice, file] = [npy("slice.npy"), npy("file.npy")].map(({ data }) => data as Float32Array);
  slice.forEach((value, i) => {
    assert.ok(Math.abs(value - file[i]) <= 1e-5);
  });
});

test("features can be scaled to length 1", async () => {
  await expectCode(0, ["embed", "run", "--data", "images@0..3", "--out", "unit.npy", "--unit-length"], { cwd });
  const { data, shape } = npy("unit.npy");
  assert.equal(shape, [3, 16]);
  for (let i = 0; i < 3; i++)
    assert.ok(Math.abs(Math.hypot(...(data as Float32Array).subarray(16 * i, 16 * i + 16)) - 1) < 1e-5);
});

test("broken images are left out with a warning each, or end it with --strict; odd names survive in csv", async () => {
  const folder = join(tempFolder(), "images");
  imagesIn(folder, 2);
  const odd = 'a "b", c.png';
  writeFileSync(join(folder, "left", odd), readFileSync(join(folder, "left", "000.png")));
  writeFileSync(join(folder, "left", "bad.png"), "broken");
  const args = ["embed", "run", "--data", folder, "--out", "odd.csv", "--json"];
  const { result, stderr } = await expectCode(0, args, { cwd });
  assert.is(result.count, 5);
  assert.is(stderr.match(/^warning: /gm)?.length, 1);
  const { paths } = csv("odd.csv");
  assert.ok(paths.includes(join(folder, "left", odd)));
  assert.not.ok(paths.some((path) => path.endsWith("bad.png")));
  assert.match((await expectCode(3, [...args, "--strict"], { cwd })).stderr, /^error: .*bad\.png/m);
});

test("what is wrong is told before any image is read, with its exit code", async () => {
  mkdirSync(join(cwd, "folder.npy"), { recursive: true });
  for (const [code, args, message] of [
    [2, ["run", "--data", "images", "--out", "x.txt"], /must end in \.npy or \.csv or \.parquet/],
    [2, ["run", "--data", "images", "--out", "no/such/x.npy"], /the folder no\/such does not exist/],
    [2, ["run", "--data", "images", "--out", "folder.npy"], /is a folder/],
    [2, ["run", "--data", "images", "--out", "x.npy", "--net", "9x9"], /Nearest:/],
    [2, ["8x1.safetensors", "--data", "images", "--out", "x.npy", "--net", "16x2"], /holds the one network 8x1/],
    [3, ["nothing", "--data", "images", "--out", "x.npy"], /model nothing is not there/],
    [3, ["images", "--data", "images", "--out", "x.npy"], /without config\.yaml/],
    [3, ["tiny.yaml", "--data", "images", "--out", "x.npy"], /not a valid safetensors file/],
    [3, ["run", "--data", "missing", "--out", "x.npy"], /missing does not exist/],
  ] as const) {
    assert.match((await expectCode(code, ["embed", ...args], { cwd })).stderr, message);
  }
});

test("relative data paths are looked up in POA_DATA", async () => {
  await expectCode(0, ["embed", join(cwd, "run"), "--data", "images@0..2", "--out", "x.npy"], {
    cwd: tempFolder(),
    env: { POA_DATA: cwd },
  });
});
