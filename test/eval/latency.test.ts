import * as assert from "uvu/assert";
import { measureLatency } from "../../src/eval/latency.js";
import { init, memory } from "../../src/runtime/context.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();
const small = tinyEncoder();
const large = tinyEncoder({ width: 128, depth: 8, imageSize: 32 });

test("a network with a hundred times the multiply-adds takes longer, and the 95th percentile is above the median", async () => {
  const [fast, slow] = await measureLatency([small, large], { budgetMs: 60 });
  assert.ok(slow.ms > 3 * fast.ms, `${fast.ms} and ${slow.ms} ms`);
  for (const { ms, msP95 } of [fast, slow]) assert.ok(ms > 0 && msP95 >= ms);
});

test("more images per forward pass take longer", async () => {
  const [[one], [many]] = [
    await measureLatency([small], { budgetMs: 30 }),
    await measureLatency([small], { budgetMs: 30, batch: 64 }),
  ];
  assert.ok(many.ms > 4 * one.ms, `${one.ms} and ${many.ms} ms`);
});

test("runs are as many as the budget allows, at least five and at most 200; progress counts them", async () => {
  const told: [number, number][] = [];
  const onProgress = (done: number, total: number) => void told.push([done, total]);
  const latencies = await measureLatency([small, large], { budgetMs: 0, onProgress });
  assert.equal(
    latencies.map(({ runs }) => runs),
    [5, 5],
  );
  assert.equal(told.at(-1), [10, 10]);
  assert.equal(
    told.map(([done]) => done),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  const [{ runs }] = await measureLatency([small], { budgetMs: 1e6 });
  assert.is(runs, 200);
});

test("no memory is kept, also when a network fails", async () => {
  const { persistentBytes } = memory();
  await measureLatency([small], { budgetMs: 5 });
  assert.is(memory().persistentBytes, persistentBytes);
  const broken = { ...small, spec: { ...small.spec, imageSize: 18 } };
  await measureLatency([small, broken], { budgetMs: 5 }).then(
    () => assert.unreachable(),
    () => {},
  );
  assert.is(memory().persistentBytes, persistentBytes);
});
