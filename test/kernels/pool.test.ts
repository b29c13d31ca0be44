import * as assert from "uvu/assert";
import * as reference from "../reference/pool.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
import { runKernel } from "../support/run-kernel.js";
import { test } from "../support/test.js";
import { type LaidWindow, layWindow, type WindowCase, windows } from "../support/window.js";

/** Numbers with many ties. */
const coarse = (count: number, values: number) =>
  Array.from({ length: count }, (_, i) => ((i * 7 + Math.floor(i / 5)) % values) - 2);

/** Taps that a window of this size has, one chosen for every output. */
const chosen = (memory: TestMemory, laid: LaidWindow, channels: number) =>
  memory.ints(coarse(laid.pixels * channels, laid.taps).map((tap) => tap + 2));

function checkMax(window: WindowCase): void {
  const { channels } = window;
  checkKernel("max_pool_f32", reference.max_pool_f32, {
    args: (memory) => {
      const laid = layWindow(memory, channels, window);
      const x = memory.input(coarse(laid.xWords, 9));
      const outputs = [memory.output(laid.pixels * channels), memory.output(laid.pixels * channels)];
      return [laid.pixels, channels, laid.window, x, ...outputs];
    },
    compare: "i32",
  });
}

function checkMaxGradient(window: WindowCase, beta: 0 | 1): void {
  const { channels } = window;
  checkKernel("max_pool_grad_f32", reference.max_pool_grad_f32, {
    args: (memory) => {
      const laid = layWindow(memory, channels, window);
      const dy = memory.input(laid.pixels * channels);
      const taps = chosen(memory, laid, channels);
      const dx = memory.output(laid.batch === 0 ? 0 : laid.xWords, { beta: laid.pixel > channels ? 1 : beta });
      return [laid.sources, channels, laid.window, dy, taps, beta, dx];
    },
  });
}

function checkAverage(window: WindowCase, inside: 0 | 1): void {
  const { channels } = window;
  checkKernel("avg_pool_f32", reference.avg_pool_f32, {
    args: (memory) => {
      const laid = layWindow(memory, channels, window);
      const y = memory.output(laid.pixels * channels);
      return [laid.pixels, channels, laid.window, inside, memory.input(laid.xWords), y];
    },
  });
  for (const beta of [0, 1]) {
    checkKernel("avg_pool_grad_f32", reference.avg_pool_grad_f32, {
      args: (memory) => {
        const laid = layWindow(memory, channels, window);
        const dy = memory.input(laid.pixels * channels);
        const dx = memory.output(laid.batch === 0 ? 0 : laid.xWords, { beta: laid.pixel > channels ? 1 : beta });
        return [laid.sources, channels, laid.window, inside, dy, beta, dx];
      },
    });
  }
}

for (const [name, window] of windows) {
  if (/outside|reversed/.test(name)) continue; // windows of pooling look ahead and see at least one pixel
  for (const channels of [1, 3, 4, 18]) {
    test(`max pooling of ${name} over ${channels} channels equals its reference`, () => {
      checkMax({ ...window, channels });
      checkMax({ ...window, channels, pixel: channels + 3 });
      for (const beta of [0, 1] as const) {
        checkMaxGradient({ ...window, channels }, beta);
        checkMaxGradient({ ...window, channels, pixel: channels + 2 }, beta);
      }
    });
  }
}

const averages: readonly (readonly [string, Omit<WindowCase, "channels">])[] = [
  ["3x3 with padding", { height: 5, width: 6, taps: [3, 3], first: [-1, -1] }],
  ["3x2 with stride 2 and padding", { height: 6, width: 7, taps: [3, 2], stride: [2, 2], first: [-1, -1] }],
  ["2x2 with stride 3", { height: 8, width: 5, taps: [2, 2], stride: [3, 3] }],
  ["a whole image", { height: 4, width: 5, taps: [4, 5] }],
  ["one pixel", { batch: 1, height: 1, width: 1, taps: [1, 1] }],
  ["no images", { batch: 0, height: 3, width: 3, taps: [2, 2] }],
];

for (const [name, window] of averages) {
  for (const channels of [1, 3, 4, 18]) {
    test(`average pooling of ${name} over ${channels} channels equals its reference`, () => {
      for (const inside of [0, 1] as const) {
        checkAverage({ ...window, channels }, inside);
        checkAverage({ ...window, channels, pixel: channels + 3 }, inside);
      }
    });
  }
}

test("a NaN is the maximum of its window, and the first of two infinities is chosen", () => {
  for (const channels of [1, 17]) {
    const window: WindowCase = { batch: 1, height: 1, width: 4, channels, taps: [1, 2], stride: [1, 2] };
    const pixels = [Number.NaN, 1, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const [y, taps] = runKernel("max_pool_f32", (m) => {
      const laid = layWindow(m, channels, window);
      const x = m.input(pixels.flatMap((value) => new Array<number>(channels).fill(value)));
      return [2, channels, laid.window, x, m.output(2 * channels), m.output(2 * channels)];
    });
    const twice = (first: number, second: number) => [
      ...new Array<number>(channels).fill(first),
      ...new Array<number>(channels).fill(second),
    ];
    assert.equal([...y], twice(Number.NaN, Number.NEGATIVE_INFINITY));
    assert.equal([...new Int32Array(taps.buffer)], twice(0, 0));
  }
});
