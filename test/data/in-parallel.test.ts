import * as assert from "uvu/assert";
import { inParallel } from "../../src/data/in-parallel.js";
import { test } from "../support/test.js";

const turns = (count: number) => new Promise<void>((resolve) => setTimeout(resolve, count));

test("results stand in the order of the tasks, of which no more than so many run", async () => {
  let [running, most] = [0, 0];
  const results = await inParallel(7, 3, async (i) => {
    most = Math.max(most, ++running);
    await turns(7 - i);
    running--;
    return i * i;
  });
  assert.equal(results, [0, 1, 4, 9, 16, 25, 36]);
  assert.is(most, 3);
  assert.equal(await inParallel(0, 3, async (i) => i), []);
});

test("the failure of the first task in their order is thrown, after all have ended", async () => {
  const ended: number[] = [];
  const failing = inParallel(4, 4, async (i) => {
    await turns(i === 1 ? 8 : 1);
    ended.push(i);
    if (i === 1 || i === 3) throw new Error(`task ${i}`);
  });
  let message = "";
  await failing.catch((error: Error) => {
    message = error.message;
  });
  assert.is(message, "task 1");
  assert.is(ended.length, 4);
});
