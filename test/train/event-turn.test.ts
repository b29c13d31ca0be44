import * as assert from "uvu/assert";
import { eventTurns } from "../../src/train/event-turn.js";
import { test } from "../support/test.js";

/** Keeps the thread busy. */
function busyFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("timers are heard between steps that never wait for anything", async () => {
  const nextTurn = eventTurns();
  let heard = false;
  setTimeout(() => {
    heard = true;
  }, 1);
  for (let step = 0; step < 5; step++) {
    busyFor(30);
    await nextTurn();
  }
  assert.ok(heard);
});

test("a turn is taken now and then, not after every short step", async () => {
  const nextTurn = eventTurns();
  let turns = 0;
  let timer: NodeJS.Immediate;
  const count = () => {
    turns++;
    timer = setImmediate(count);
  };
  timer = setImmediate(count);
  for (let step = 0; step < 1000; step++) await nextTurn();
  clearImmediate(timer);
  assert.ok(turns < 100, `${turns} turns`);
});
