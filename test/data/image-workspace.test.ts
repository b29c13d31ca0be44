import * as assert from "uvu/assert";
import { ImageWorkspace } from "../../src/data/image-workspace.js";
import { init, memory } from "../../src/runtime/context.js";
import { noiseImage } from "../support/image-bytes.js";
import { test } from "../support/test.js";

await init();

const options = { channels: 3, mean: [0, 0, 0], std: [1, 1, 1] };

test("a buffer keeps its address until a larger one is asked for", () => {
  const workspace = new ImageWorkspace(options);
  const ptr = workspace.reserve("front", 1000);
  assert.is(workspace.reserve("front", 400), ptr);
  const used = memory().persistentBytes;
  workspace.reserve("front", 100_000);
  assert.ok(memory().persistentBytes >= used + 98_000);
});

test("tables are kept, and dropped once they hold too many numbers", () => {
  const workspace = new ImageWorkspace(options);
  const table = workspace.table(32, 16, "bicubic", false);
  assert.is(workspace.table(32, 16, "bicubic", false), table);
  assert.is.not(workspace.table(32, 16, "bicubic", true), table);
  workspace.table(100_000, 60_000, "bicubic", false);
  assert.is(workspace.table(32, 16, "bicubic", false), table);
  workspace.table(100_001, 60_000, "bicubic", false);
  assert.is.not(workspace.table(32, 16, "bicubic", false), table);
});

test("a workspace without an image says so", () => {
  assert.throws(() => new ImageWorkspace(options).source, /no image has been loaded/);
});

test("an image whose data does not fit its size is refused", () => {
  const workspace = new ImageWorkspace(options);
  assert.throws(() => workspace.load({ ...noiseImage(), width: 31 }), /an image of 31 × 32 × 3 comes with 3072 bytes/);
});

test("a std of zero is refused", () => {
  assert.throws(
    () => new ImageWorkspace({ ...options, std: [1, 0, 1] }),
    /std is \[1,0,1\]. Give one mean and one positive std/,
  );
});
