import * as reference from "../reference/conv.js";
import { packedIndex } from "../reference/pack.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";
import { layWindow, type WindowCase, windows } from "../support/window.js";

interface Options {
  n: number;
  from?: number;
  terms?: number;
  biased?: boolean;
  beta?: 0 | 1;
}

/** Packed weights whose padding is NaN, so that padding which reaches y is seen. */
function packed(memory: TestMemory, terms: number, n: number): number {
  const ptr = memory.input(8 * Math.ceil(n / 8) * terms);
  const block = memory.blocks.at(-1);
  for (let o = n; o % 8 !== 0; o++) {
    for (let i = 0; i < terms; i++) memory.heap.f32[packedIndex(ptr, terms, i, o)] = Number.NaN;
  }
  if (block) block.before = memory.words(ptr, block.words);
  return ptr;
}

function check(window: WindowCase, { n, from = 0, terms, biased = false, beta = 0 }: Options): void {
  checkKernel("conv_f32", reference.conv_f32, {
    args: (memory) => {
      const laid = layWindow(memory, n, window);
      const count = terms ?? Math.min(laid.taps * window.channels - from, 384);
      const x = memory.input(laid.xWords);
      const w = packed(memory, count, n);
      const bias = biased ? memory.input(n) : 0;
      // Between the places of output pixels nothing may be written: there y keeps its numbers.
      const y = memory.output(laid.yWords, { beta: window.places ? 1 : beta });
      return [laid.pixels, n, window.channels, laid.window, x, from, count, w, bias, beta, y];
    },
    atol: 4e-6 * Math.sqrt((terms ?? 64) + 8),
  });
}

for (const [name, window] of windows) {
  for (const channels of [1, 3, 4, 19]) {
    test(`a convolution of ${name} over ${channels} channels equals its reference`, () => {
      check({ ...window, channels }, { n: 8 });
      check({ ...window, channels }, { n: 11, biased: true });
      check({ ...window, channels }, { n: 3, beta: 1 });
      check({ ...window, channels, pixel: channels + 2 }, { n: 9 });
    });
  }
}

test("a block of terms may begin and end within a tap", () => {
  for (const channels of [3, 16]) {
    const window: WindowCase = { height: 6, width: 7, channels, taps: [3, 3], first: [-1, -1] };
    for (const from of [0, 1, channels, 2 * channels + 2, 4 * channels + 1]) {
      check(window, { n: 8, from, terms: 3 * channels + 1, beta: 1 });
      check({ ...window, pixel: channels + 1 }, { n: 8, from, terms: 1 });
    }
  }
});

for (const terms of [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 383, 384]) {
  test(`a convolution over ${terms} terms equals its reference`, () => {
    const window: WindowCase = { height: 3, width: 4, channels: 44, taps: [3, 3], first: [-1, -1] };
    check(window, { n: 17, terms, from: 5 });
  });
}

test("more pixels than a block holds are convolved block by block", () => {
  check({ batch: 3, height: 9, width: 11, channels: 5, taps: [2, 2], first: [-1, 0] }, { n: 16 });
  check({ batch: 3, height: 9, width: 11, channels: 8, taps: [3, 3] }, { n: 16, beta: 1 });
});

test("outputs may lie apart, with pixels of other phases between them", () => {
  const places = { image: 200, row: 40, pixel: 18 };
  const window: WindowCase = {
    height: 3,
    width: 4,
    channels: 4,
    taps: [2, 2],
    outputs: [4, 2],
    first: [-1, 0],
    places,
  };
  check(window, { n: 9 });
  check(window, { n: 16, beta: 1 });
});

test("a convolution over no terms is its bias or leaves y as it was", () => {
  const window: WindowCase = { height: 3, width: 3, channels: 2, taps: [0, 2], outputs: [3, 3] };
  check(window, { n: 9 });
  check(window, { n: 9, biased: true });
  check(window, { n: 9, beta: 1 });
});

test("a convolution to no channels writes nothing", () => {
  check({ height: 3, width: 3, channels: 2, taps: [2, 2] }, { n: 0 });
});

interface Weights {
  n: number;
  channels: number;
  taps: [number, number];
  from?: number;
  terms?: number;
  strides?: [number, number, number, number];
  start?: number;
  words?: number;
}

function checkPacking({ n, channels, taps, from = 0, terms, strides, start = 0, words }: Weights): void {
  const [out, channel, y, x] = strides ?? [channels * taps[0] * taps[1], taps[0] * taps[1], taps[1], 1];
  checkKernel("conv_pack_weight_f32", reference.conv_pack_weight_f32, {
    args: (memory) => {
      const count = terms ?? channels * taps[0] * taps[1] - from;
      const panels = Math.ceil(n / 8);
      const w = memory.input(words ?? n * channels * taps[0] * taps[1]) + 4 * start;
      const to = memory.output(8 * panels * count);
      return [panels, n, channels, taps[1], from, count, 1.5, w, out, channel, y, x, to];
    },
  });
}

test("weights are packed in the order that pixels see, and padded with zeros", () => {
  for (const n of [1, 7, 8, 9, 24, 31]) {
    for (const channels of [1, 3, 8]) checkPacking({ n, channels, taps: [3, 2] });
  }
  checkPacking({ n: 12, channels: 5, taps: [3, 3], from: 7, terms: 20 });
  checkPacking({ n: 12, channels: 5, taps: [3, 3], terms: 0 });
  checkPacking({ n: 0, channels: 5, taps: [3, 3] });
});

test("weights of a slice are packed in place, and taps may be read backwards", () => {
  checkPacking({ n: 9, channels: 3, taps: [3, 3], strides: [7 * 9, 9, 3, 1], words: 9 * 63 });
  checkPacking({ n: 3, channels: 9, taps: [3, 3], strides: [9, 27, -3, -1], start: 8, words: 9 * 27 });
});
