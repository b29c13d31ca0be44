import * as assert from "uvu/assert";
import { ConfigError, DataError } from "../../src/errors.js";
import { drawLabelled, holdOut, stratifiedFolds } from "../../src/eval/stratified.js";
import { memorySource } from "../support/memory-source.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

/** 60 of class 0, 30 of class 1, 10 of class 2, 1 of class 3, mixed. */
const labels = Int32Array.from({ length: 101 }, (_, i) => (i === 50 ? 3 : i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 2));
const counts = (rows: Int32Array) => [0, 1, 2, 3].map((c) => rows.filter((i) => labels[i] === c).length);
const all = [0, 1, 2, 3].map((c) => labels.filter((label) => label === c).length);

test("a share draws that part of every class, at least one, each example once, in ascending order", () => {
  const rows = drawLabelled(labels, { share: 0.1 });
  assert.equal(counts(rows), [Math.round(all[0] / 10), Math.round(all[1] / 10), Math.round(all[2] / 10), 1]);
  assert.equal(
    [...rows],
    [...new Set(rows)].sort((a, b) => a - b),
  );
  assert.equal(counts(drawLabelled(labels, { share: 1 })), all);
});

test("a number draws as many of every class, or says which class has fewer", () => {
  const some = labels.filter((label) => label < 3);
  const rows = drawLabelled(some, { perClass: 4 });
  assert.equal(
    [0, 1, 2].map((c) => rows.filter((i) => some[i] === c).length),
    [4, 4, 4],
  );
  refuses(() => drawLabelled(labels, { perClass: 2 }), DataError, "class 3 has 1 examples, 2 are needed");
});

test("draws depend on seed and number, and on nothing else", () => {
  const draw = (seed: number, number: number) => [...drawLabelled(labels, { share: 0.2 }, { seed, draw: number })];
  assert.equal(draw(1, 2), draw(1, 2));
  assert.not.equal(draw(1, 2), draw(1, 3));
  assert.not.equal(draw(1, 2), draw(2, 2));
});

test("every example is drawn equally often", () => {
  const times = new Int32Array(labels.length);
  for (let draw = 0; draw < 400; draw++) for (const i of drawLabelled(labels, { share: 0.5 }, { draw })) times[i]++;
  labels.forEach((label, i) => {
    if (label < 3) assert.ok(times[i] > 140 && times[i] < 260, `example ${i} in ${times[i]} of 400 draws`);
  });
});

test("other amounts are refused", () => {
  for (const amount of [{ share: 0 }, { share: 1.1 }, { share: Number.NaN }, { perClass: 0 }, { perClass: 1.5 }])
    refuses(() => drawLabelled(labels, amount), ConfigError, "of each class, expected");
});

test("held-back images and the others are the source, class by class in the share asked for", () => {
  const source = memorySource(100);
  const [rest, held] = holdOut(source, 0.25, 7);
  assert.equal([rest.length, held.length], [75, 25]);
  const paths = [rest, held].flatMap((part) => Array.from({ length: part.length }, (_, i) => part.path(i)));
  assert.equal(new Set(paths).size, 100);
  for (const c of [0, 1, 2]) {
    const share = held.labels!.filter((l) => l === c).length / source.labels!.filter((l) => l === c).length;
    assert.ok(Math.abs(share - 0.25) < 0.03, `${c}: ${share}`);
  }
  assert.is(holdOut(source, 0.25, 7)[1].fingerprint(), held.fingerprint());
  assert.is.not(holdOut(source, 0.25, 8)[1].fingerprint(), held.fingerprint());
});

test("a hold-out leaves every class an image on both sides, if it has two", () => {
  const [rest, held] = holdOut({ ...memorySource(10), labels: Int32Array.of(0, 0, 1, 1, 1, 1, 1, 1, 1, 2) }, 0.01, 0);
  assert.equal([...held.labels!].sort(), [0, 1]);
  assert.equal([...new Set(rest.labels!)].sort(), [0, 1, 2]);
  const [few, most] = holdOut({ ...memorySource(4), labels: Int32Array.of(0, 0, 1, 1) }, 0.99, 0);
  assert.equal([few.length, most.length], [2, 2]);
});

test("a hold-out that is none is refused", () => {
  refuses(() => holdOut(memorySource(10), 1, 0), ConfigError, "the share is 1");
  refuses(() => holdOut({ ...memorySource(3), labels: null }, 0.1, 0), DataError, "has no labels");
  refuses(() => holdOut({ ...memorySource(2), labels: Int32Array.of(0, 1) }, 0.1, 0), DataError, "no class");
});

test("folds have each class evenly", () => {
  const folds = stratifiedFolds(labels, 5);
  for (const [c, n] of all.entries()) {
    for (let fold = 0; fold < 5; fold++) {
      const count = folds.filter((f, i) => f === fold && labels[i] === c).length;
      assert.ok(count === Math.floor(n / 5) || count === Math.ceil(n / 5), `class ${c}, fold ${fold}: ${count}`);
    }
  }
});
