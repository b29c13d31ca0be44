import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { writeSafetensors } from "../../src/formats/safetensors.js";
import { expectCode, expectExit, imagesIn, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
imagesIn(join(cwd, "split", "train"), 8);
imagesIn(join(cwd, "split", "test"), 5);
for (const variant of ["original", "mixed_same"]) imagesIn(join(cwd, "variants", variant, "val"), 4);
await expectCode(0, tinyPretrain, { cwd });

const robust = (...args: string[]) => ["eval", "robust", "run", "--data", "split", "--k", "1", ...args];

type Intervals = Record<string, { low: number; high: number }>;

test("the result holds an accuracy with its interval for each share and each grid that divides the images", async () => {
  const { result, events } = await expectExit(0, robust("--json"), { cwd });
  assert.is(events.length, 1);
  assert.equal([result.event, result.network, result.bank, result.queries, result.grid], ["result", "16x2", 16, 10, 8]);
  const { occlusion, shuffle, intervals } = result as Record<"occlusion" | "shuffle", Record<string, number>> & {
    intervals: Record<"occlusion" | "shuffle", Intervals>;
  };
  assert.equal(Object.keys(occlusion), ["0", "10", "20", "30", "40", "50", "60", "70", "80", "90"]);
  assert.equal(Object.keys(shuffle), ["2x2", "2x4", "4x4", "4x8", "8x8", "16x16"]);
  assert.is(occlusion[0], 1, "the queries are among the bank, so unchanged ones find themselves");
  assert.equal([result.top1, result.interval], [1, { low: 1, high: 1 }]);
  for (const [kind, accuracies] of Object.entries({ occlusion, shuffle })) {
    for (const [name, accuracy] of Object.entries(accuracies)) {
      const { low, high } = intervals[kind as "occlusion" | "shuffle"][name];
      assert.ok(low <= accuracy && accuracy <= high, `${kind} ${name}`);
    }
  }
  assert.ok(Math.min(...Object.values(occlusion), ...Object.values(shuffle)) < 1, "what is changed is told less well");
});

test("seed and patches can be chosen, text has a table of each kind", async () => {
  const run = async (...args: string[]) => (await expectCode(0, robust("--json", ...args), { cwd })).result;
  assert.equal(await run("--seed", "1"), await run("--seed", "1"));
  assert.is((await run("--grid", "4")).grid, 4);
  const { stdout } = await expectCode(0, robust("--grid", "4", "--net", "8x1"), { cwd });
  assert.match(
    stdout,
    /^network 8x1, 1-NN among 16 unchanged images\ndropped of 4 × 4 patches +accuracy +95 % interval\n/,
  );
  assert.match(stdout, /^0 % +1\.0000 +1\.0000 to 1\.0000$/m);
  assert.match(stdout, /^16x16 +[01]\.\d{4} /m);
});

test("variants of a set are compared with the original one", async () => {
  const { result } = await expectCode(0, robust("--variants", "variants", "--json"), { cwd });
  const { variants, reference, differences, foregrounds, vulnerable, flipped } = result.backgrounds as {
    variants: Record<string, { top1: number; images: number }>;
    [name: string]: unknown;
  };
  assert.equal(Object.keys(variants), ["mixed_same", "original"]);
  assert.equal([variants.original.top1, variants.original.images], [1, 8]);
  // Both hold the same files, so nothing differs and no foreground is missed.
  assert.equal([reference, differences, foregrounds, vulnerable, flipped], ["original", { mixed_same: 0 }, 8, 0, 0]);
  const { stdout } = await expectCode(0, robust("--variants", "variants"), { cwd });
  assert.match(stdout, /^mixed_same +8 +1\.0000 +1\.0000 to 1\.0000 +0\.0000$/m);
  assert.match(stdout, /of 8 foregrounds 0\.0000 are missed on some background, 0\.0000 although/);
});

test("a map says which class of the bank is which of the variants, turned round it turns all answers round", async () => {
  writeFileSync(join(cwd, "map.json"), JSON.stringify({ left: "right", right: 0 }));
  const { result } = await expectCode(0, robust("--variants", "variants", "--map", "map.json", "--json"), { cwd });
  assert.is((result.backgrounds as { variants: Record<string, { top1: number }> }).variants.original.top1, 0);
});

test("a linear classifier can decide instead of neighbours", async () => {
  // Weights of zero: the second class by its bias alone, whatever the images.
  const tensors = new Map([
    ["weight", { dtype: "F32", shape: [2, 16], data: new Float32Array(32) } as const],
    ["bias", { dtype: "F32", shape: [2], data: Float32Array.of(0, 1) } as const],
  ]);
  const about = JSON.stringify({ positions: [1], pooled: false, classes: ["left", "right"] });
  writeFileSync(join(cwd, "head.safetensors"), writeSafetensors(tensors, new Map([["poa.classifier", about]])));
  const { result, stderr } = await expectCode(0, robust("--head", "head.safetensors", "--json"), { cwd });
  assert.equal([result.head, result.top1, result.k, result.bank], ["head.safetensors", 0.5, undefined, undefined]);
  assert.equal(new Set(Object.values(result.shuffle as object)), new Set([0.5]));
  assert.not.match(stderr, /^bank/m);
});

test("what is wrong has its message and exit code", async () => {
  for (const [code, args, message] of [
    [2, ["--k", "0"], /--k is "0"/],
    [2, ["--temperature", "x"], /--temperature is "x"/],
    [2, ["--grid", "3"], /--grid 3 does not divide images of 16 pixels/],
    [2, ["--map", "map.json"], /--map says how classes of --variants are called, which is missing/],
    [3, ["--head", "nowhere"], /nowhere cannot be read/],
    [3, ["--variants", "nowhere"], /nowhere cannot be read/],
  ] as const) {
    assert.match((await expectCode(code, robust(...args), { cwd })).stderr, message);
  }
});
