import type { BenchCase } from "../../src/cli/bench/case.js";
import { resampleTable } from "../../src/data/resample-filter.js";
import { kernels } from "../../src/runtime/launch.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";

const CHANNELS = 3;

/** Side of a square crop, and of the window that it is resized from. */
const crops: readonly [side: number, window: number][] = [
  [224, 300],
  [32, 24],
];

interface Operands {
  readonly side: number;
  readonly window: number;
  readonly rowBytes: number;
  readonly src: number;
  readonly dst: number;
  readonly numbers: number;
  /** Three numbers: means, deviations or sums. */
  readonly three: number;
  /** Weights from the centre outwards. */
  readonly blur: number;
  readonly radius: number;
  readonly taps: number;
  readonly bounds: number;
  readonly weights: number;
}

function operandsOf(side: number, window: number): Operands {
  const rng = new Rng(0);
  const bytes = CHANNELS * Math.max(side, window) ** 2 + 16;
  const noise = Uint8Array.from({ length: bytes }, () => rng.integer(0, 255));
  const table = resampleTable(window, side);
  const radius = Math.floor(side / 20) + 1;
  return {
    side,
    window,
    rowBytes: side * CHANNELS,
    src: fromArray(noise, [bytes], "u8").ptr,
    dst: empty([bytes], "u8").ptr,
    numbers: empty([bytes]).ptr,
    three: fromArray([0.5, 0.4, 0.3], [3]).ptr,
    blur: fromArray(new Array(radius + 1).fill(1 / (2 * radius + 1)), [radius + 1]).ptr,
    radius,
    taps: table.taps,
    bounds: fromArray(table.bounds, [table.bounds.length], "i32").ptr,
    weights: fromArray(table.weights, [table.weights.length], "i32").ptr,
  };
}

const calls: readonly [name: string, (operands: Operands) => void][] = [
  [
    "resize across",
    ({ window, side, src, taps, bounds, weights, dst }) =>
      kernels.resize_horizontal_u8(side, side, CHANNELS, src, window * CHANNELS, taps, bounds, weights, dst),
  ],
  [
    "resize down",
    ({ side, rowBytes, src, taps, bounds, weights, dst }) =>
      kernels.resize_vertical_u8(side, rowBytes, src, rowBytes, taps, bounds, weights, dst),
  ],
  ["blur", ({ side, src, blur, radius, dst }) => kernels.blur_u8(side, side, CHANNELS, src, blur, radius, dst)],
  ["brightness", ({ side, rowBytes, src, dst }) => kernels.brightness_u8(side, rowBytes, src, 1.2, dst)],
  ["saturation", ({ side, src, dst }) => kernels.saturation_u8(side, side, src, 1.2, dst)],
  ["hue", ({ side, src, dst }) => kernels.hue_u8(side, side, src, 20, dst)],
  ["grayscale", ({ side, src, dst }) => kernels.grayscale_u8(side, side, src, dst)],
  ["solarize", ({ side, rowBytes, src, dst }) => kernels.solarize_u8(side, rowBytes, src, 128, dst)],
  [
    "normalize",
    ({ side, src, three, numbers }) => kernels.normalize_f32(side, side, CHANNELS, src, three, three, numbers),
  ],
];

/** Millions of bytes of the crop a second. */
export const cases: readonly BenchCase[] = crops.flatMap(([side, window]) =>
  calls.map(([name, call]) => ({
    name: `image ${name} ${side}x${side}`,
    unit: "Melem/s",
    work: CHANNELS * side ** 2,
    prepare: () => {
      const operands = operandsOf(side, window);
      return () => call(operands);
    },
  })),
);
