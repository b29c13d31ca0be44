import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { channelsFirst, patches, permuted, uniform } from "../../bench/peers/inputs.js";
import { difference, sample } from "../../bench/peers/protocol.js";
import { test } from "../support/test.js";

test("a stream fills [-1, 1) evenly and differs from its neighbours", () => {
  const values = uniform(1, 100_000);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + value * value, 0) / values.length;
  assert.ok(Math.abs(mean) < 0.01 && Math.abs(square - 1 / 3) < 0.01, `${mean} ${square}`);
  assert.ok(values.every((value) => value >= -1 && value < 1));
  const other = uniform(2, 100_000);
  const product = values.reduce((sum, value, i) => sum + value * other[i], 0) / values.length;
  assert.ok(Math.abs(product) < 0.01, `${product}`);
});

test("permuted moves axes as a tensor library does", () => {
  const values = Float32Array.from({ length: 24 }, (_, i) => i);
  const moved = permuted(values, [2, 3, 4], [2, 0, 1]);
  assert.is(moved[0 * 6 + 1 * 3 + 2], values[1 * 12 + 2 * 4 + 0]);
  assert.is(moved[3 * 6 + 0 * 3 + 1], values[0 * 12 + 1 * 4 + 3]);
  const images = Float32Array.from({ length: 2 * 16 * 3 }, (_, i) => i); //       [2, 4, 4, 3]
  const first = channelsFirst(images, [2, 4, 3]); //                              [2, 3, 4, 4]
  assert.is(first[1 * 48 + 2 * 16 + 3 * 4 + 1], images[1 * 48 + 3 * 12 + 1 * 3 + 2]);
  const cut = patches(first, [2, 3, 4], 2); //                                    [2, 4, 12]
  assert.is(cut[1 * 48 + 3 * 12 + 2 * 4 + 1 * 2 + 0], first[1 * 48 + 2 * 16 + 3 * 4 + 2]);
});

test("a sample tells the largest number, also where there is NaN", () => {
  assert.equal(sample([1, -3, 2]), { values: [1, 2, -3], largest: 3, length: 3 });
  assert.ok(Number.isNaN(sample([1, Number.NaN, 2]).largest));
});

test("outputs that differ by more than the tolerance are told, and so are others of another size", () => {
  const wanted = [sample([1, 2, 4])];
  assert.is(difference([sample([1, 2, 4.0003])], wanted, 1e-4), null);
  assert.is(difference([sample([1, 2.001, 4])], wanted, 1e-4), "1 of 3 sampled numbers differ");
  assert.is(difference([sample([Number.NaN, 2, 4])], wanted, 1e-4), "1 of 3 sampled numbers differ");
  assert.is(difference([sample([1, 2])], wanted, 1e-4), "2 numbers in place of 3");
  assert.is(difference([], wanted, 1e-4), "no numbers in place of 3");
});

test("this library answers as a peer with the numbers of its ops", () => {
  const file = fileURLToPath(new URL("../../bench/peers/ours.js", import.meta.url));
  const ask = [
    { ask: "prepare", id: 1, op: "product", spec: { kind: "NT", m: 3, k: 2, n: 4 } },
    { ask: "check", id: 1 },
    { ask: "run", id: 1, ms: 1, clock: "wall" },
    { ask: "prepare", id: 2, op: "unknown", spec: {} },
    { ask: "release", id: 1 },
  ];
  const input = ask.map((message) => JSON.stringify(message)).join("\n");
  const lines = execFileSync(process.execPath, [file], { input, encoding: "utf8" }).trim().split("\n");
  const [, prepared, checked, run, unknown] = lines.map((line) => JSON.parse(line));
  const [a, b] = [uniform(1, 6), uniform(2, 8)];
  const wanted = Array.from({ length: 12 }, (_, i) => {
    const [row, col] = [Math.floor(i / 4), i % 4];
    return a[2 * row] * b[2 * col] + a[2 * row + 1] * b[2 * col + 1];
  });
  assert.equal(prepared, {});
  const { values, length } = checked.samples[0];
  assert.is(length, 12);
  assert.ok(sample(wanted).values.every((value, i) => Math.abs(value - values[i]) < 1e-6));
  assert.ok(run.calls >= 1 && run.ms > 0);
  assert.match(unknown.error, "no such operation");
});
