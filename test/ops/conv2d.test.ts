import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, DTypeError, ShapeError } from "../../src/errors.js";
import { type Conv2dOptions, conv2d } from "../../src/ops/conv2d.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const values = (fn: () => Tensor) => step(() => [...fn().toArray()]);

test("a window sums what it sees, scaled, and the bias is added", async () => {
  await init();
  const x = fromArray([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
  const weight = fromArray([1, 0, 0, -1, 0, 1, 10, 0], [2, 1, 2, 2]);
  const bias = fromArray([0.5, 100], [2]);
  assert.equal(
    values(() => conv2d(x, weight)),
    [-4, 42, -4, 53, -4, 75, -4, 86],
  );
  assert.equal(
    values(() => conv2d(x, weight, bias, { inputScale: 2, stride: 2, padding: 1 })),
    [-1.5, 100, -5.5, 140, -13.5, 108, -7.5, 272],
  );
});

test("channels are summed in the order of the weight, and taps over rows first", async () => {
  await init();
  const x = fromArray([1, 10, 2, 20, 3, 30], [1, 1, 3, 2]);
  const weight = fromArray([1, 2, 3, 4], [1, 2, 1, 2]); // [channel 0: 1 2, channel 1: 3 4]
  assert.equal(
    values(() => conv2d(x, weight)),
    [1 + 4 + 30 + 80, 2 + 6 + 60 + 120],
  );
});

/** The definition, in double precision on the host. */
function naive(x: Tensor, weight: Tensor, options: Conv2dOptions): number[] {
  const { groups = 1, inputScale = 1 } = options;
  const pair = (value: Conv2dOptions["stride"], otherwise: number) =>
    typeof value === "object" ? value : [value ?? otherwise, value ?? otherwise];
  const [stride, padding] = [pair(options.stride, 1), pair(options.padding, 0)];
  const dilation = pair(options.dilation, 1);
  const [batch, height, width, channels] = x.shape;
  const [features, inputs, kh, kw] = weight.shape;
  const [xs, ws] = [x.toArray(), weight.toArray()];
  const rows = Math.floor((height + 2 * padding[0] - dilation[0] * (kh - 1) - 1) / stride[0]) + 1;
  const columns = Math.floor((width + 2 * padding[1] - dilation[1] * (kw - 1) - 1) / stride[1]) + 1;
  return Array.from({ length: batch * rows * columns * features }, (_, at) => {
    const o = at % features;
    const column = Math.floor(at / features) % columns;
    const row = Math.floor(at / features / columns) % rows;
    const image = Math.floor(at / features / columns / rows);
    let sum = 0;
    for (let c = 0; c < inputs; c++) {
      for (let r = 0; r < kh; r++) {
        for (let s = 0; s < kw; s++) {
          const i = row * stride[0] + r * dilation[0] - padding[0];
          const j = column * stride[1] + s * dilation[1] - padding[1];
          if (i < 0 || j < 0 || i >= height || j >= width) continue;
          const channel = Math.floor((o * groups) / features) * inputs + c;
          const seen = xs[((image * height + i) * width + j) * channels + channel];
          sum += seen * ws[((o * inputs + c) * kh + r) * kw + s];
        }
      }
    }
    return inputScale * sum;
  });
}

interface Layer {
  readonly name: string;
  /** Batch, height, width and channels of x; outputs and taps. */
  readonly x: [number, number, number, number];
  readonly w: [number, number, number, number];
  readonly options: Conv2dOptions;
}

const layers: readonly Layer[] = [
  { name: "3x3", x: [2, 5, 6, 3], w: [4, 3, 3, 3], options: { padding: 1, inputScale: 1.75 } },
  { name: "3x3 by tiles", x: [2, 7, 8, 8], w: [32, 8, 3, 3], options: { padding: 1, inputScale: 1.75 } },
  { name: "3x3 by tiles to the rim", x: [3, 5, 6, 12], w: [16, 12, 3, 3], options: { padding: 2 } },
  { name: "3x3 by tiles in two groups", x: [2, 9, 9, 16], w: [16, 8, 3, 3], options: { groups: 2 } },
  { name: "3x3 with stride 2", x: [2, 7, 6, 8], w: [5, 8, 3, 3], options: { padding: 1, stride: 2 } },
  { name: "7x7 with stride 2", x: [1, 9, 10, 3], w: [4, 3, 7, 7], options: { padding: 3, stride: 2 } },
  {
    name: "3x3 with stride 2 of few channels",
    x: [2, 8, 7, 3],
    w: [8, 3, 3, 3],
    options: { padding: 1, stride: 2, inputScale: 2 },
  },
  { name: "4x4 with stride 4", x: [2, 9, 8, 3], w: [5, 3, 4, 4], options: { stride: 4 } },
  { name: "1x1", x: [2, 3, 4, 6], w: [5, 6, 1, 1], options: { inputScale: 0.5 } },
  { name: "1x1 with stride 2", x: [2, 5, 4, 6], w: [5, 6, 1, 1], options: { stride: 2 } },
  { name: "1x1 with padding", x: [1, 2, 3, 2], w: [3, 2, 1, 1], options: { padding: [0, 1] } },
  { name: "2x3 with strides 3 and 1", x: [2, 8, 5, 2], w: [3, 2, 2, 3], options: { stride: [3, 1] } },
  {
    name: "dilation 2 with stride 2",
    x: [1, 9, 9, 2],
    w: [3, 2, 3, 3],
    options: { dilation: 2, stride: 2, padding: 2 },
  },
  {
    name: "dilation 2 with stride 3",
    x: [1, 9, 8, 2],
    w: [3, 2, 3, 2],
    options: { dilation: 2, stride: 3, padding: 1 },
  },
  { name: "dilation 3 and 2", x: [1, 9, 8, 2], w: [3, 2, 3, 2], options: { dilation: [3, 2], padding: [3, 0] } },
  { name: "two groups", x: [2, 4, 5, 6], w: [4, 3, 3, 3], options: { groups: 2, padding: 1 } },
  { name: "two groups of 1x1", x: [2, 4, 5, 6], w: [4, 3, 1, 1], options: { groups: 2 } },
  {
    name: "three groups with stride 2",
    x: [1, 5, 6, 6],
    w: [9, 2, 2, 3],
    options: { groups: 3, padding: 1, stride: 2 },
  },
  { name: "depthwise", x: [2, 5, 4, 6], w: [6, 1, 3, 3], options: { groups: 6, padding: 1, inputScale: 1.5 } },
  { name: "depthwise with stride 2", x: [1, 7, 6, 5], w: [5, 1, 3, 3], options: { groups: 5, padding: 1, stride: 2 } },
  { name: "depthwise with multiplier", x: [1, 4, 4, 3], w: [6, 1, 3, 3], options: { groups: 3, padding: 1 } },
  { name: "more padding than taps", x: [1, 2, 3, 2], w: [3, 2, 2, 2], options: { padding: 3 } },
  { name: "stride beyond the taps", x: [1, 7, 6, 2], w: [3, 2, 2, 2], options: { stride: 4 } },
];

for (const { name, x: shape, w, options } of layers) {
  test(`a convolution of ${name} is its definition`, async () => {
    await init();
    const [x, weight] = [leaf(shape, 1), leaf(w, 2)];
    const y = values(() => conv2d(x, weight, null, options));
    const expected = naive(x, weight, options);
    assert.is(y.length, expected.length);
    expected.forEach((value, i) => {
      assert.ok(Math.abs(y[i] - value) < 2e-5, `entry ${i} is ${y[i]}, expected ${value}`);
    });
  });

  test(`backward of a convolution of ${name} is the derivative`, async () => {
    await initDouble();
    const [x, weight, bias] = [leaf(shape, 1), leaf(w, 2), leaf([w[0]], 3)];
    gradcheck(() => conv2d(x, weight, bias, options), [x, weight, bias], { samples: 25 });
  });
}

test("sums longer than a block are added block by block", async () => {
  await init();
  for (const [channels, taps] of [
    [50, 3],
    [401, 1],
    [5, 10],
    [2, 20],
  ]) {
    const [x, weight] = [leaf([1, 5, 4, channels], 1), leaf([9, channels, taps, taps], 2)];
    const options = { padding: taps >> 1 };
    const y = values(() => conv2d(x, weight, null, options));
    naive(x, weight, options).forEach((value, i) => {
      assert.ok(Math.abs(y[i] - value) < 1e-4, `${channels} channels, entry ${i} is ${y[i]}, expected ${value}`);
    });
  }
});

test("no channels at all sum up to the bias", async () => {
  await init();
  const [x, weight, bias] = [leaf([1, 3, 3, 0], 1), leaf([2, 0, 3, 3], 2), fromArray([4, 5], [2])];
  assert.equal(
    values(() => conv2d(x, weight, bias)),
    [4, 5],
  );
});

test("a slice of a convolution equals one with dense copies", async () => {
  await init();
  for (const taps of [1, 3]) {
    const [x, weight, bias] = [leaf([2, 5, 6, 12], 1), leaf([20, 12, taps, taps], 2), leaf([20], 3)];
    const part = weight.narrow(0, 0, 13).narrow(1, 0, 7);
    const options = { padding: 1, stride: taps === 1 ? 1 : 2, inputScale: 12 / 7 };
    const sliced = values(() => conv2d(x.narrow(3, 0, 7), part, bias.narrow(0, 0, 13), options));
    const dense = fromArray(part.toArray(), part.shape);
    const input = fromArray(x.narrow(3, 0, 7).toArray(), [2, 5, 6, 7]);
    assert.equal(
      sliced,
      values(() => conv2d(input, dense, fromArray(bias.narrow(0, 0, 13).toArray(), [13]), options)),
    );
  }
});

test("3x3 by tiles stays within 1e-6 of the sum of absolute terms, also of a slice", async () => {
  await init();
  const [x, weight] = [leaf([1, 11, 13, 72], 1), leaf([24, 80, 3, 3], 2)];
  const part = weight.narrow(0, 0, 16).narrow(1, 4, 64);
  const input = x.narrow(3, 8, 64);
  const y = values(() => conv2d(input, part, null, { padding: 1 }));
  const dense = (t: Tensor, of: (value: number) => number) => fromArray(Array.from(t.toArray(), of), t.shape);
  const exact = naive(dense(input, Number), dense(part, Number), { padding: 1 });
  const bounds = naive(dense(input, Math.abs), dense(part, Math.abs), { padding: 1 });
  exact.forEach((value, i) => {
    assert.ok(Math.abs(y[i] - value) <= 1e-6 * bounds[i], `entry ${i} is ${y[i]}, expected ${value}`);
  });
});

test("backward of a slice is the derivative and zero outside the slice", async () => {
  await initDouble();
  for (const [taps, stride, groups] of [
    [1, 1, 1],
    [3, 1, 1],
    [3, 2, 2],
    [2, 2, 4],
  ]) {
    const [x, weight, bias] = [leaf([2, 4, 5, 7], 1), leaf([6, 6, taps, taps], 2), leaf([6], 3)];
    const inputs = 4 / groups;
    gradcheck(
      () =>
        conv2d(x.narrow(3, 1, 4), weight.narrow(0, 1, 4).narrow(1, 0, inputs), bias.narrow(0, 1, 4), {
          stride,
          groups,
          inputScale: 1.5,
        }),
      [x, weight, bias],
      { samples: 40 },
    );
  }
});

test("backward by tiles and by joined phases of a slice is the derivative and zero outside the slice", async () => {
  await initDouble();
  for (const [channels, stride] of [
    [8, 1],
    [2, 2],
  ]) {
    const [x, weight] = [leaf([2, 8, 9, channels + 3], 1), leaf([26, channels + 2, 3, 3], 2)];
    const part = () => weight.narrow(0, 1, 24).narrow(1, 2, channels);
    const options = { stride, padding: 1, inputScale: 1.5 };
    gradcheck(() => conv2d(x.narrow(3, 1, channels), part(), null, options), [x, weight], { samples: 60 });
  }
});

test("a full and a sliced use of one weight add their gradients", async () => {
  await initDouble();
  const [x, weight] = [leaf([1, 4, 4, 3], 1), leaf([3, 3, 3, 3], 2)];
  const padding = 1;
  gradcheck(() => {
    const y = conv2d(x, weight, null, { padding });
    return conv2d(y.narrow(3, 0, 2), weight.narrow(0, 1, 2).narrow(1, 0, 2), null, { padding, stride: 2 });
  }, [x, weight]);
});

test("no images at all have a convolution and gradients", async () => {
  await init();
  const [x, weight] = [leaf([0, 5, 5, 2], 1), leaf([3, 2, 3, 3], 2)];
  step(() => {
    const y = conv2d(x, weight);
    assert.equal(y.shape, [0, 3, 3, 3]);
    y.backward([]);
  });
  assert.equal([...(weight.grad() ?? [])], new Array(54).fill(0));
});

test("what does not fit is refused", async () => {
  await init();
  const [x, weight] = [leaf([2, 5, 5, 6], 1), leaf([4, 3, 3, 3], 2)];
  refuses(() => conv2d(x, weight), ShapeError, "x has 6 channels ([2, 5, 5, 6]) but weight expects 3");
  refuses(
    () => conv2d(x, weight, null, { groups: 3 }),
    ConfigError,
    "groups is 3, expected a divisor of the 4 outputs",
  );
  const groups = 2;
  refuses(() => conv2d(x, weight, leaf([3], 3), { groups }), ShapeError, "bias is [3], expected [4]");
  refuses(() => conv2d(leaf([5, 5, 6], 1), weight), ShapeError, "expected [B, H, W, C]");
  refuses(() => conv2d(x, leaf([4, 6], 1)), ShapeError, "expected [O, C / groups, kh, kw]");
  refuses(
    () => conv2d(x, weight, null, { groups, stride: 0 }),
    ConfigError,
    "stride is [0, 0], expected whole numbers from 1",
  );
  refuses(() => conv2d(x, weight, null, { groups, padding: [1, 0.5] }), ConfigError, "padding is [1, 0.5]");
  refuses(
    () => conv2d(x, weight, null, { groups, dilation: 3 }),
    ShapeError,
    "a window of 7 pixels does not fit into 5",
  );
  refuses(
    () => conv2d(leaf([2, 6, 5, 5], 1).permute([0, 2, 3, 1]), weight, null, { groups }),
    ShapeError,
    "not evenly spaced",
  );
  refuses(() => conv2d(fromArray([1], [1, 1, 1, 1], "i32"), weight), DTypeError, "expected f32");
});
