import * as assert from "uvu/assert";
import { WasmHeap } from "../../src/runtime/memory.js";
import * as reference from "../reference/image-color.js";
import { checkKernel, kernelsOn, seeded, type TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";

const ROWS = 5;

/** Noise, with every eighth pixel grey. */
function colors(m: TestMemory, n: number): number {
  const next = seeded(n);
  const values = Uint8Array.from({ length: n }, () => Math.floor(256 * next()));
  for (let at = 0; at + 3 <= n; at += 24) values.fill(values[at], at, at + 3);
  return m.bytes(values);
}

const output = (m: TestMemory, n: number) => m.bytes(new Uint8Array(n).fill(7), { output: true, label: "dst" });

for (const factor of [0, 0.37, 1, 1.4])
  for (const rowBytes of [1, 16, 39]) {
    test(`brightness ${factor} of rows of ${rowBytes} bytes equals its reference`, () => {
      checkKernel("brightness_u8", reference.brightness_u8, {
        args: (m) => [ROWS, rowBytes, colors(m, ROWS * rowBytes), factor, output(m, ROWS * rowBytes)],
        compare: "u8",
      });
    });
  }

for (const cols of [1, 2, 3, 4, 17, 33])
  for (const channels of [1, 3]) {
    const n = ROWS * cols * channels;

    test(`luma sums of ${cols} pixels in ${channels} channels equal their reference`, () => {
      checkKernel("luma_sums_u8", reference.luma_sums_u8, {
        args: (m) => [ROWS, cols, channels, colors(m, n), m.output(ROWS)],
        compare: "i32",
      });
    });

    for (const factor of [0.6, 1.4]) {
      test(`contrast ${factor} of ${cols} pixels in ${channels} channels equals its reference`, () => {
        const sums = Array.from({ length: ROWS }, (_, r) => cols * (90 + 7 * r) + r);
        checkKernel("contrast_u8", reference.contrast_u8, {
          args: (m) => [ROWS, cols, channels, colors(m, n), m.ints(sums), factor, output(m, n)],
          compare: "u8",
        });
      });
    }
  }

for (const cols of [1, 2, 3, 4, 17]) {
  const n = 3 * ROWS * cols;

  for (const factor of [0.8, 1.2]) {
    test(`saturation ${factor} of ${cols} pixels equals its reference`, () => {
      checkKernel("saturation_u8", reference.saturation_u8, {
        args: (m) => [ROWS, cols, colors(m, n), factor, output(m, n)],
        compare: "u8",
      });
    });
  }

  test(`greys of ${cols} pixels equal their reference`, () => {
    checkKernel("grayscale_u8", reference.grayscale_u8, {
      args: (m) => [ROWS, cols, colors(m, n), output(m, n)],
      compare: "u8",
    });
  });

  test(`a hue turned in ${cols} pixels equals its reference`, () => {
    checkKernel("hue_u8", reference.hue_u8, {
      args: (m) => [ROWS, cols, colors(m, n), 20, output(m, n)],
      compare: "u8",
    });
  });
}

for (const rowBytes of [1, 16, 39]) {
  test(`solarising rows of ${rowBytes} bytes equals its reference`, () => {
    checkKernel("solarize_u8", reference.solarize_u8, {
      args: (m) => [ROWS, rowBytes, colors(m, ROWS * rowBytes), 128, output(m, ROWS * rowBytes)],
      compare: "u8",
    });
  });
}

test("hue in single precision gives the bytes of the mixed-precision reference for a fifth of all colours", () => {
  const heap = new WasmHeap({ initialBytes: 2 << 20 });
  const kernels = kernelsOn(heap);
  const [src, dst, expected] = [1 << 17, 1 << 19, 1 << 20];
  for (let red = 0; red < 256; red += 5) {
    for (let i = 0; i < 65536; i++) heap.u8.set([red, i >> 8, i & 255], src + 3 * i);
    kernels.hue_u8(256, 256, src, red & 255, dst, 0, 256);
    reference.hue_u8(heap, 256, 256, src, red & 255, expected);
    assert.is(
      Buffer.compare(heap.u8.subarray(dst, dst + 196608), heap.u8.subarray(expected, expected + 196608)),
      0,
      `red ${red}`,
    );
  }
});

test("colour operations work in place", () => {
  const heap = new WasmHeap({ initialBytes: 2 << 20 });
  const kernels = kernelsOn(heap);
  const [apart, src, dst] = [1 << 17, 1 << 18, 1 << 19];
  const next = seeded(3);
  const image = Uint8Array.from({ length: 3 * 7 * 9 }, () => Math.floor(256 * next()));
  const calls = {
    brightness_u8: (from: number, to: number) => kernels.brightness_u8(7, 27, from, 1.2, to, 0, 7),
    saturation_u8: (from: number, to: number) => kernels.saturation_u8(7, 9, from, 1.2, to, 0, 7),
    hue_u8: (from: number, to: number) => kernels.hue_u8(7, 9, from, 31, to, 0, 7),
    grayscale_u8: (from: number, to: number) => kernels.grayscale_u8(7, 9, from, to, 0, 7),
    solarize_u8: (from: number, to: number) => kernels.solarize_u8(7, 27, from, 128, to, 0, 7),
  };
  for (const [name, call] of Object.entries(calls)) {
    heap.u8.set(image, src);
    heap.u8.set(image, apart);
    call(apart, dst);
    call(src, src);
    assert.equal(heap.u8.slice(src, src + image.length), heap.u8.slice(dst, dst + image.length), name);
  }
});
