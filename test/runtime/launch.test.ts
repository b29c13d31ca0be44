import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import { dispose, init, runtime } from "../../src/runtime/context.js";
import { kernels } from "../../src/runtime/launch.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

test("a closed door names the kernel and what to call", () => {
  dispose();
  refuses(
    () => kernels.gelu_f32(1, 0, 0),
    ConfigError,
    "gelu_f32: the runtime is not running. Call `await init()` first.",
  );
});

test("the door opens with init and closes with dispose", async () => {
  await init();
  const { heap, persistent } = runtime();
  const ptr = persistent.allocate(64);
  kernels.fill_f32(4, 7, ptr);
  assert.equal([...heap.f32.slice(ptr / 4, ptr / 4 + 4)], [7, 7, 7, 7]);
  dispose();
  refuses(() => kernels.fill_f32(4, 7, ptr), ConfigError, "fill_f32");
});

test("callers name no range: the whole first axis is worked on", async () => {
  const calls: number[][] = [];
  const spy = { fill_f32: (...args: number[]) => calls.push(args) };
  const { heap } = await init();
  await init({ kernels: { heap, kernels: spy as never } });
  kernels.fill_f32(5, 1, 64);
  assert.equal(calls, [[5, 1, 64]]);
});
