import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { type WeightGradient, weightGradient } from "../../src/ops/conv-product.js";
import { gradientTilesPay, weightGradientByTiles } from "../../src/ops/conv-tiles.js";
import { slidingAxis } from "../../src/ops/window.js";
import { init, memory } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { leaf } from "../support/gradcheck.js";
import { test } from "../support/test.js";

interface Layer {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly n: number;
  readonly padding: number;
}

/** The gradient of a layer into dw [n, channels, 3, 3]. */
function callOf(layer: Layer, x: Tensor, dy: Tensor, dw: Tensor, beta: 0 | 1): WeightGradient {
  const { batch, height, width, channels, n, padding } = layer;
  const sliding = { taps: 3, stride: 1, padding, dilation: 1 };
  const axes = [slidingAxis("conv2d", height, sliding), slidingAxis("conv2d", width, sliding)] as const;
  const [out, step, row, column] = dw.strides;
  const source = { batch, axes, channels, n, x: x.ptr, pixel: x.strides[2], dy: dy.ptr, lddy: dy.strides[2] };
  return { ...source, alpha: 1.5, beta, dw: { ptr: dw.ptr, out, in: step, row, column } };
}

const layers: readonly Layer[] = [
  { batch: 2, height: 7, width: 8, channels: 8, n: 32, padding: 1 },
  { batch: 1, height: 15, width: 12, channels: 12, n: 24, padding: 0 },
  { batch: 2, height: 43, width: 41, channels: 8, n: 16, padding: 1 }, // 924 tiles: several blocks
  { batch: 1, height: 9, width: 10, channels: 20, n: 16, padding: 2 },
];

for (const layer of layers) {
  const { batch, height, width, channels, n, padding } = layer;
  const name = `${channels} -> ${n} at ${height}x${width}, padding ${padding}`;
  test(`the weight gradient by tiles of ${name} is that of the definition, and beta 1 adds it`, async () => {
    await init();
    const x = leaf([batch, height, width, channels + 3], 1).narrow(3, 1, channels);
    const dy = leaf([batch, height + 2 * padding - 2, width + 2 * padding - 2, n], 2);
    step(() => {
      const expected = empty([n, channels, 3, 3]);
      weightGradient(callOf(layer, x, dy, expected, 0));
      const room = fromArray(new Array(3 * (channels + 2) * (n + 1) * 3).fill(0.5), [n + 1, channels + 2, 3, 3]);
      const dw = room.narrow(0, 1, n).narrow(1, 1, channels);
      const call = callOf(layer, x, dy, dw, 0);
      assert.ok(gradientTilesPay(call));
      weightGradientByTiles(call);
      const once = dw.toArray();
      weightGradientByTiles({ ...call, beta: 1 });
      const twice = dw.toArray();
      expected.toArray().forEach((value, i) => {
        assert.ok(Math.abs(once[i] - value) < 2e-4, `entry ${i} is ${once[i]}, expected ${value}`);
        assert.ok(Math.abs(twice[i] - 2 * once[i]) < 1e-4, `entry ${i} is ${twice[i]}, once ${once[i]}`);
      });
      const outside = room.toArray().filter((value) => value === 0.5).length;
      assert.is(outside, room.numel - dw.numel);
    });
  });
}

/** Σ over pixels of dy times what they see, in double precision on the host. */
function exact(
  { batch, height, width, channels, n }: Layer,
  x: readonly number[],
  dy: readonly number[],
): Float64Array {
  const dw = new Float64Array(9 * channels * n);
  for (let p = 0; p < batch * height * width; p++) {
    const [column, row] = [p % width, Math.floor(p / width) % height];
    for (let tap = 0; tap < 9; tap++) {
      const [i, j] = [row + Math.floor(tap / 3) - 1, column + (tap % 3) - 1];
      if (i < 0 || j < 0 || i >= height || j >= width) continue;
      const from = (p + (i - row) * width + (j - column)) * channels;
      for (let o = 0; o < n; o++) {
        const gradient = dy[p * n + o];
        for (let c = 0; c < channels; c++) dw[(o * channels + c) * 9 + tap] += gradient * x[from + c];
      }
    }
  }
  return dw;
}

test("the weight gradient by tiles stays within 1e-6 of the sum of absolute terms", async () => {
  await init();
  const layer: Layer = { batch: 2, height: 45, width: 37, channels: 8, n: 8, padding: 1 };
  const [x, dy] = [leaf([2, 45, 37, 8], 1), leaf([2, 45, 37, 8], 2)];
  const actual = step(() => {
    const dw = empty([8, 8, 3, 3]);
    weightGradientByTiles({ ...callOf(layer, x, dy, dw, 0), alpha: 1 });
    return dw.toArray();
  });
  const [xs, dys] = [[...x.toArray()], [...dy.toArray()]];
  const bounds = exact(layer, xs.map(Math.abs), dys.map(Math.abs));
  exact(layer, xs, dys).forEach((value, i) => {
    assert.ok(Math.abs(actual[i] - value) <= 1e-6 * bounds[i], `entry ${i} is ${actual[i]}, expected ${value}`);
  });
});

test("few pixels, few or odd channels, and strides do not go by tiles", async () => {
  await init();
  const layer: Layer = { batch: 2, height: 7, width: 8, channels: 8, n: 32, padding: 1 };
  step(() => {
    const [x, dy, dw] = [empty([2, 7, 8, 8]), empty([2, 7, 8, 32]), empty([32, 8, 3, 3])];
    const call = callOf(layer, x, dy, dw, 0);
    assert.ok(gradientTilesPay(call));
    assert.not(gradientTilesPay({ ...call, batch: 1, n: 128 }));
    assert.not(gradientTilesPay({ ...call, n: 16 }));
    assert.not(gradientTilesPay({ ...call, channels: 6 }));
    assert.not(gradientTilesPay({ ...call, n: 36 }));
    assert.not(gradientTilesPay({ ...call, axes: [{ ...call.axes[0], stride: 2 }, call.axes[1]] }));
  });
});

test("temporaries of tiles do not outlive a call", async () => {
  await init();
  const layer: Layer = { batch: 2, height: 7, width: 8, channels: 8, n: 8, padding: 1 };
  step(() => {
    const [x, dy, dw] = [empty([2, 7, 8, 8]), empty([2, 7, 8, 8]), empty([8, 8, 3, 3])];
    const before = memory().stepBytes;
    weightGradientByTiles(callOf(layer, x, dy, dw, 0));
    assert.is(memory().stepBytes, before);
  });
});
