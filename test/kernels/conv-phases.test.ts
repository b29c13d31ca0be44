import { planOf } from "../../src/ops/conv-joined.js";
import type { Axis } from "../../src/ops/window.js";
import * as reference from "../reference/conv-phases.js";
import { checkKernel } from "../support/kernels.js";
import { test } from "../support/test.js";
import { layWindow, type WindowCase } from "../support/window.js";

const cases: readonly (readonly [string, Omit<WindowCase, "channels">])[] = [
  ["7x7 with stride 2", { height: 11, width: 12, taps: [7, 7], stride: [2, 2], first: [-3, -3] }],
  ["3x3 with stride 2 without padding", { height: 8, width: 9, taps: [3, 3], stride: [2, 2] }],
  ["4x4 with stride 4", { height: 8, width: 12, taps: [4, 4], stride: [4, 4] }],
  ["7x7 with stride 4 and a rim", { height: 13, width: 18, taps: [7, 7], stride: [4, 4], first: [-3, -3] }],
  ["2x3 with strides 1 and 3", { height: 6, width: 8, taps: [2, 3], stride: [1, 3] }],
  ["2x2 with stride 3", { height: 8, width: 7, taps: [2, 2], stride: [3, 3], first: [-1, -1] }],
  ["one pixel", { batch: 1, height: 1, width: 1, taps: [1, 1], stride: [2, 2] }],
  ["no images", { batch: 0, height: 4, width: 4, taps: [3, 3], stride: [2, 2] }],
];

/** The axes that a window of a test slides along. */
function axesOf({ height, width, taps, stride = [1, 1], first = [0, 0] }: WindowCase): [Axis, Axis] {
  const axis = (size: number, i: 0 | 1): Axis => {
    const outputs = Math.floor((size - 2 * first[i] - taps[i]) / stride[i]) + 1;
    return { size, outputs, taps: taps[i], stride: stride[i], first: first[i], step: 1 };
  };
  return [axis(height, 0), axis(width, 1)];
}

interface Options {
  outputs: number;
  beta?: 0 | 1;
  /** Channels of dy beyond the outputs. */
  wider?: number;
}

function check(window: WindowCase, { outputs, beta = 0, wider = 0 }: Options): void {
  const axes = axesOf(window);
  const inputs = window.channels;
  const { numbers, segments, weights } = planOf({ axes, inputs, outputs });
  checkKernel("conv_phases_f32", reference.conv_phases_f32, {
    args: (memory) => {
      const laid = layWindow(memory, outputs + wider, window);
      const plan = memory.ints(numbers);
      const [dy, packed] = [memory.input(laid.yWords), memory.input(weights)];
      // Between pixels that lie apart nothing is written.
      const dx = memory.output(laid.xWords, { beta: window.pixel ? 1 : beta });
      const lines = laid.batch * Math.ceil(axes[0].size / axes[0].stride);
      return [lines, inputs, outputs, segments, laid.window, plan, dy, packed, beta, dx];
    },
    atol: 2e-5,
  });
  checkKernel("conv_phases_weight_f32", reference.conv_phases_weight_f32, {
    args: (memory) => {
      const laid = layWindow(memory, outputs, window);
      const plan = memory.ints(numbers);
      const strides = [inputs * laid.taps, laid.taps, window.taps[1], 1];
      const w = memory.input(outputs * strides[0]);
      return [segments, inputs, outputs, 1.5, laid.window, plan, w, ...strides, memory.output(weights)];
    },
  });
}

for (const [name, window] of cases) {
  test(`joined phases of ${name} equal their reference`, () => {
    for (const channels of [1, 3]) {
      check({ ...window, channels }, { outputs: 8 });
      check({ ...window, channels }, { outputs: 5, beta: 1, wider: 2 });
      check({ ...window, channels, pixel: channels + 2 }, { outputs: 6 });
    }
  });
}
