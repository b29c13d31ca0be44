import * as assert from "uvu/assert";
import { WasmHeap } from "../../src/runtime/memory.js";
import * as definition from "../reference/conv-grad-weight.js";
import * as reference from "../reference/conv-winograd-grad.js";
import { checkKernel, TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";
import { layWindow, type WindowCase } from "../support/window.js";
import { cases, taps, tilesOf } from "../support/winograd-windows.js";

/** The tiles from `first` on, and the pitch that they are packed with. */
interface Part {
  first?: number;
  wider?: number;
}

/** All but `tiles` of each pitch are kept: the output is one that a kernel adds to. */
function checkSeen(window: WindowCase, { first = 0, wider = 0 }: Part = {}): void {
  checkKernel("conv_winograd_seen_f32", reference.conv_winograd_seen_f32, {
    args: (memory) => {
      const laid = layWindow(memory, 0, window);
      const x = memory.input(laid.xWords);
      const tiles = Math.max(0, tilesOf(window) - first);
      const pitch = tiles + wider;
      const packed = memory.output(16 * window.channels * pitch, { beta: 1 });
      return [tiles, window.channels, first, pitch, laid.window, x, packed];
    },
  });
}

function checkSpread(window: WindowCase, n: number, { first = 0, wider = 0 }: Part = {}): void {
  checkKernel("conv_winograd_spread_f32", reference.conv_winograd_spread_f32, {
    args: (memory) => {
      const laid = layWindow(memory, n, window);
      const dy = memory.input(laid.yWords);
      const tiles = Math.max(0, tilesOf(window) - first);
      const pitch = tiles + wider;
      const packed = memory.output(16 * n * pitch, { beta: 1 });
      return [tiles, n, first, pitch, laid.window, dy, packed];
    },
  });
}

for (const [name, window] of cases) {
  test(`what tiles with ${name} see is transformed as in the reference`, () => {
    checkSeen({ ...window, channels: 4, taps });
    checkSeen({ ...window, channels: 12, pixel: 15, taps }, { first: 1, wider: 3 });
  });

  test(`gradients of tiles with ${name} are transformed as in the reference`, () => {
    checkSpread({ ...window, channels: 0, taps }, 8);
    checkSpread({ ...window, channels: 0, taps }, 24, { first: 1, wider: 3 });
  });
}

test("gradients of tiles may lie apart", () => {
  const places = { image: 200, row: 60, pixel: 12 };
  checkSpread({ height: 5, width: 6, channels: 0, taps, places }, 8);
});

test("products over tiles equal their reference", () => {
  for (const [n, channels, tiles, wider] of [
    [8, 4, 1, 0],
    [8, 12, 17, 3],
    [24, 4, 40, 0],
    [16, 8, 0, 2],
    [0, 4, 3, 0],
  ]) {
    for (const beta of [0, 1]) {
      checkKernel("conv_winograd_products_f32", reference.conv_winograd_products_f32, {
        args: (memory) => {
          const pitch = tiles + wider;
          const [seen, spread] = [memory.input(16 * channels * pitch), memory.input(16 * n * pitch)];
          return [2 * n, n, channels, tiles, pitch, seen, spread, beta, memory.output(16 * channels * n, { beta })];
        },
        atol: 1e-5,
      });
    }
  }
});

test("gradients of weights are formed in place, and taps may lie backwards", () => {
  for (const [n, channels] of [
    [8, 1],
    [24, 5],
    [0, 3],
  ]) {
    for (const beta of [0, 1] as const) {
      checkKernel("conv_winograd_grad_weight_f32", reference.conv_winograd_grad_weight_f32, {
        args: (memory) => {
          const sums = memory.input(16 * channels * n);
          const strides = [9 * channels, 9, 3, 1];
          return [n / 8, n, channels, 1.5, sums, beta, memory.output(9 * channels * n, { beta }), ...strides];
        },
      });
      checkKernel("conv_winograd_grad_weight_f32", reference.conv_winograd_grad_weight_f32, {
        args: (memory) => {
          const sums = memory.input(16 * channels * n);
          const dw = memory.output(9 * (channels + 2) * n, { beta: 1 }) + 4 * 8;
          return [n / 8, n, channels, 1, sums, beta, dw, 9, 9 * n, -3, -1];
        },
      });
    }
  }
});

test("the gradient by tiles is that of the definition", () => {
  const [n, channels] = [8, 4];
  const heap = new WasmHeap({ initialBytes: 2 << 20 });
  const memory = new TestMemory(heap);
  const window: WindowCase = { height: 5, width: 4, channels, taps, first: [-1, -1] };
  const laid = layWindow(memory, n, window);
  const tiles = tilesOf(window);
  const [x, dy] = [memory.input(laid.xWords), memory.input(laid.pixels * n)];
  const [seen, spread] = [memory.output(16 * channels * tiles), memory.output(16 * n * tiles)];
  const sums = memory.output(16 * channels * n);
  const [expected, actual] = [memory.output(9 * channels * n), memory.output(9 * channels * n)];
  const panels = Math.ceil((9 * channels) / 8);
  definition.conv_grad_weight_f32(heap, panels, n, channels, laid.pixels, laid.window, x, dy, n, 2, 0, expected);
  reference.conv_winograd_seen_f32(heap, tiles, channels, 0, tiles, laid.window, x, seen);
  reference.conv_winograd_spread_f32(heap, tiles, n, 0, tiles, laid.window, dy, spread);
  reference.conv_winograd_products_f32(heap, 16, n, channels, tiles, tiles, seen, spread, 0, sums);
  const strides = [9 * channels, 1, 3 * channels, channels] as const;
  reference.conv_winograd_grad_weight_f32(heap, 1, n, channels, 2, sums, 0, actual, ...strides);
  const [a, b] = [memory.words(actual, 9 * channels * n), memory.words(expected, 9 * channels * n)];
  b.forEach((value, i) => {
    assert.ok(Math.abs(a[i] - value) < 3e-5, `entry ${i} is ${a[i]}, the definition gives ${value}`);
  });
});
