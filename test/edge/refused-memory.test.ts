import * as assert from "uvu/assert";
import { loadEncoder } from "../../src/edge.js";
import { MemoryError } from "../../src/errors.js";
import { encoderBundle } from "../../src/export/encoder-bundle.js";
import { dispose, init, isRunning, memory, runtime } from "../../src/runtime/context.js";
import { noiseImage } from "../support/image-bytes.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();
const small = encoderBundle(tinyEncoder());
const large = encoderBundle(tinyEncoder({ width: 256, depth: 8 }));
const image = noiseImage({ width: 40, height: 30 });

/** Runs action on a host whose memories grow to a size and no further. */
async function withMemoryUpTo<T>(bytes: number, action: () => Promise<T>): Promise<T> {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function (pages: number) {
    if (this.buffer.byteLength + 65536 * pages > bytes) throw new RangeError("WebAssembly.Memory.grow(): refused");
    return grow.call(this, pages);
  };
  try {
    return await action();
  } finally {
    WebAssembly.Memory.prototype.grow = grow;
  }
}

async function refused(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    assert.instance(error, MemoryError);
    return (error as Error).message;
  }
  throw new Error("memory was given");
}

const sentence =
  /^memory: \d+ MiB are needed, 4096 MiB are allowed and \d+ MiB are held\. Lower the batch, take a smaller network .*the host gives no more\.$/;

test("a host that blocks growth is told in one sentence, when weights are loaded and when an image comes", async () => {
  dispose();
  await withMemoryUpTo(0, async () => {
    assert.match(await refused(() => loadEncoder(small, { threads: 1 })), sentence);
    assert.is(isRunning(), false, "the runtime that was started for it is gone");
  });
  const encoder = await loadEncoder(small, { threads: 1 });
  await withMemoryUpTo(runtime().heap.sizeBytes, async () => {
    assert.match(await refused(() => encoder.embed(image)), sentence);
  });
  assert.is(encoder.embed(image).length, encoder.featureDim, "with memory it goes on");
  encoder.dispose();
});

test("where a network does not fit, a smaller one is loaded instead, beside what was there", async () => {
  await init({ threads: 1 });
  const first = await loadEncoder(small);
  const expected = [...first.embed(image)];
  const before = memory().persistentBytes;
  await withMemoryUpTo(runtime().heap.sizeBytes + (8 << 20), async () => {
    assert.match(await refused(() => loadEncoder(large)), sentence);
    assert.is(memory().persistentBytes, before, "all that it had taken is given back");
    const second = await loadEncoder(small);
    assert.equal([...second.embed(image)], expected);
    second.dispose();
  });
  first.dispose();
});
