import { resampleTable } from "../../src/data/resample-filter.js";
import * as reference from "../reference/image.js";
import { checkKernel, seeded, type TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";

/** Noise with saturated stretches, so that overshoot is clipped at both ends. */
function pixels(m: TestMemory, n: number): number {
  const next = seeded(n);
  return m.bytes(Uint8Array.from({ length: n }, () => Math.min(255, Math.max(0, Math.floor(700 * next() - 220)))));
}

const output = (m: TestMemory, n: number) => m.bytes(new Uint8Array(n).fill(7), { output: true, label: "dst" });

const sizes = [
  { from: 5, to: 16 },
  { from: 32, to: 7 },
  { from: 9, to: 9 },
  { from: 70, to: 3 },
  { from: 1, to: 4 },
];

for (const { from, to } of sizes)
  for (const channels of [1, 3, 4]) {
    test(`resizing rows of ${from} to ${to} pixels in ${channels} channels equals the reference`, () => {
      const ld = from * channels + 5;
      const { taps, bounds, weights } = resampleTable(from, to);
      checkKernel("resize_horizontal_u8", reference.resize_horizontal_u8, {
        args: (m) => [
          6,
          to,
          channels,
          pixels(m, 6 * ld),
          ld,
          taps,
          m.ints(bounds),
          m.ints(weights),
          output(m, 6 * to * channels),
        ],
        compare: "u8",
      });
    });
  }

for (const { from, to } of sizes)
  for (const rowBytes of [3, 16, 21, 48]) {
    test(`resizing columns of ${from} to ${to} pixels in rows of ${rowBytes} bytes equals the reference`, () => {
      const { taps, bounds, weights } = resampleTable(from, to, { filter: "bilinear" });
      checkKernel("resize_vertical_u8", reference.resize_vertical_u8, {
        args: (m) => [
          to,
          rowBytes,
          pixels(m, from * (rowBytes + 2)),
          rowBytes + 2,
          taps,
          m.ints(bounds),
          m.ints(weights),
          output(m, to * rowBytes),
        ],
        compare: "u8",
      });
    });
  }

for (const channels of [1, 3]) {
  test(`rotating a window of an image in ${channels} channels equals the reference`, () => {
    const [cos, sin] = [Math.cos(0.3), Math.sin(0.3)];
    const shift = [10 - 10 * cos - 6 * sin, 6 + 10 * sin - 6 * cos];
    checkKernel("rotate_u8", reference.rotate_u8, {
      args: (m) => {
        const src = pixels(m, 12 * 20 * channels);
        return [9, 17, channels, 2, 1, 12, 20, src, cos, sin, ...shift, output(m, 9 * 17 * channels)];
      },
      compare: "u8",
    });
  });
}

for (const cols of [1, 4, 7, 10])
  for (const channels of [1, 3, 5]) {
    test(`normalising ${cols} pixels in ${channels} channels equals the reference`, () => {
      checkKernel("normalize_f32", reference.normalize_f32, {
        args: (m) => {
          const mean = m.input(channels, { low: 0.3, high: 0.6 });
          const std = m.input(channels, { low: 0.2, high: 0.4 });
          return [3, cols, channels, pixels(m, 3 * cols * channels), mean, std, m.output(3 * cols * channels)];
        },
        atol: 5e-7,
        rtol: 1e-6,
      });
    });
  }
