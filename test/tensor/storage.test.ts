import * as assert from "uvu/assert";
import { init, memory, runtime } from "../../src/runtime/context.js";
import { Storage } from "../../src/tensor/storage.js";
import { test } from "../support/test.js";

test("memory is of the running frame if there is one, else persistent", async () => {
  const { step } = await init();
  const outside = Storage.allocate(64);
  assert.is(outside.frame, null);
  const frame = step.open("step");
  const inside = Storage.allocate(64);
  assert.is(inside.frame, frame);
  assert.is(Storage.persistent(64).frame, null);
  step.close(frame);
  assert.ok(outside.alive);
  assert.not.ok(inside.alive);
});

test("memory like another's has its size and its kind of lifetime", async () => {
  const { step } = await init();
  const outside = Storage.allocate(640);
  const frame = step.open("step");
  const inside = Storage.allocate(100);
  assert.is(Storage.like(outside).frame, null);
  assert.is(Storage.like(outside).sizeBytes, 640);
  assert.is(Storage.like(inside).frame, frame);
  step.close(frame);
});

test("only persistent memory is given back by hand, and only once", async () => {
  const { step } = await init();
  const storage = Storage.persistent(100);
  assert.is(memory().persistentBytes, 128);
  const frame = step.open("step");
  const inside = Storage.allocate(64);
  inside.release();
  assert.ok(inside.alive);
  assert.is(memory().stepBytes, 64);
  storage.release();
  storage.release();
  assert.not.ok(storage.alive);
  assert.is(memory().persistentBytes, 0);
  step.close(frame);
});

test("each fate has its own words", async () => {
  const { step } = await init();
  const frame = step.open("step");
  const inside = Storage.allocate(64);
  step.close(frame);
  assert.match(inside.fate, /^belongs to step 1, which has ended/);
  const disposed = Storage.persistent(64);
  disposed.release();
  assert.is(disposed.fate, "has been disposed.");
  assert.match(Storage.unbacked(64).fate, /shapesOnly/);
  const left = Storage.persistent(64);
  await init();
  assert.not.ok(left.alive);
  assert.match(left.fate, /replaced by init/);
  assert.is(runtime().persistent.usedBytes, 0);
});
