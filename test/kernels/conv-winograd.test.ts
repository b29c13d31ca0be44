import * as assert from "uvu/assert";
import { WasmHeap } from "../../src/runtime/memory.js";
import * as conv from "../reference/conv.js";
import * as reference from "../reference/conv-winograd.js";
import { checkKernel, TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";
import { layWindow, type WindowCase } from "../support/window.js";
import { cases, taps, tilesOf } from "../support/winograd-windows.js";

interface Options {
  n: number;
  biased?: boolean;
  beta?: 0 | 1;
}

function check(window: WindowCase, { n, biased = false, beta = 0 }: Options): void {
  checkKernel("conv_winograd_f32", reference.conv_winograd_f32, {
    args: (memory) => {
      const laid = layWindow(memory, n, window);
      const x = memory.input(laid.xWords);
      const packed = memory.input(16 * window.channels * n);
      const bias = biased ? memory.input(n) : 0;
      const y = memory.output(laid.yWords, { beta: window.places ? 1 : beta });
      return [tilesOf(window), n, window.channels, laid.window, x, packed, bias, beta, y];
    },
    atol: 1e-5 * Math.sqrt(window.channels),
  });
}

for (const [name, window] of cases) {
  test(`a convolution of 3 x 3 taps by tiles with ${name} equals its reference`, () => {
    for (const channels of [4, 12]) {
      check({ ...window, channels, taps }, { n: 8 });
      check({ ...window, channels, taps }, { n: 24, biased: true });
      check({ ...window, channels, taps, pixel: channels + 3 }, { n: 16, beta: 1 });
    }
  });
}

test("more tiles than a block holds and as many channels as fit are convolved by tiles", () => {
  check({ batch: 3, height: 9, width: 9, channels: 4, taps, first: [-1, -1] }, { n: 8 });
  check({ height: 4, width: 4, channels: 384, taps, first: [-1, -1] }, { n: 8 });
});

test("outputs of tiles may lie apart", () => {
  const places = { image: 200, row: 60, pixel: 12 };
  check({ height: 5, width: 6, channels: 4, taps, places }, { n: 8 });
});

test("weights of tiles are transformed in place, and taps may be read backwards", () => {
  for (const [n, channels] of [
    [8, 1],
    [24, 5],
    [0, 3],
  ]) {
    checkKernel("conv_winograd_weight_f32", reference.conv_winograd_weight_f32, {
      args: (memory) => {
        const strides = [9 * (channels + 2), 9, 3, 1];
        const w = memory.input(n * strides[0]);
        return [n / 8, n, channels, 1.5, w, ...strides, memory.output(16 * channels * n)];
      },
    });
    checkKernel("conv_winograd_weight_f32", reference.conv_winograd_weight_f32, {
      args: (memory) => {
        const w = memory.input(9 * channels * n) + 4 * 8;
        return [n / 8, n, channels, 1, w, 9, 9 * n, -3, -1, memory.output(16 * channels * n)];
      },
    });
  }
});

test("tiles compute the convolution of its definition", () => {
  const [n, channels] = [8, 4];
  const heap = new WasmHeap({ initialBytes: 2 << 20 });
  const memory = new TestMemory(heap);
  const window: WindowCase = { height: 5, width: 4, channels, taps, first: [-1, -1] };
  const laid = layWindow(memory, n, window);
  const [x, w, bias] = [memory.input(laid.xWords), memory.input(9 * channels * n), memory.input(n)];
  const [packed, transformed] = [memory.output(9 * channels * n), memory.output(16 * channels * n)];
  const [expected, actual] = [memory.output(laid.yWords), memory.output(laid.yWords)];
  const strides = [9 * channels, 9, 3, 1] as const;
  conv.conv_pack_weight_f32(heap, 1, n, channels, 3, 0, 9 * channels, 2, w, ...strides, packed);
  conv.conv_f32(heap, laid.pixels, n, channels, laid.window, x, 0, 9 * channels, packed, bias, 0, expected);
  reference.conv_winograd_weight_f32(heap, 1, n, channels, 2, w, ...strides, transformed);
  reference.conv_winograd_f32(heap, tilesOf(window), n, channels, laid.window, x, transformed, bias, 0, actual);
  const [a, b] = [memory.words(actual, laid.yWords), memory.words(expected, laid.yWords)];
  b.forEach((value, i) => {
    assert.ok(Math.abs(a[i] - value) < 1e-5, `entry ${i} is ${a[i]}, the definition gives ${value}`);
  });
});
