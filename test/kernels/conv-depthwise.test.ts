import * as reference from "../reference/conv-depthwise.js";
import { checkKernel } from "../support/kernels.js";
import { test } from "../support/test.js";
import { layWindow, type WindowCase, windows } from "../support/window.js";

function check(window: WindowCase, { biased = false, beta = 0 } = {}): void {
  const { channels } = window;
  checkKernel("conv_depthwise_f32", reference.conv_depthwise_f32, {
    args: (memory) => {
      const laid = layWindow(memory, channels, window);
      const [x, w] = [memory.input(laid.xWords), memory.input(laid.taps * channels)];
      const bias = biased ? memory.input(channels) : 0;
      const y = memory.output(laid.yWords, { beta: window.places ? 1 : beta });
      return [laid.pixels, channels, laid.window, x, w, bias, beta, y];
    },
    atol: 5e-6,
  });
}

function checkGradient(window: WindowCase, wider: number): void {
  const { channels } = window;
  checkKernel("conv_depthwise_grad_weight_f32", reference.conv_depthwise_grad_weight_f32, {
    args: (memory) => {
      const laid = layWindow(memory, channels, window);
      const ld = channels + wider;
      const [x, dy] = [memory.input(laid.xWords), memory.input(laid.pixels * ld)];
      const dw = memory.output(laid.taps * channels);
      return [channels, laid.pixels, laid.window, x, dy, ld, 1.25, dw];
    },
    atol: 1e-5,
  });
}

for (const [name, window] of windows) {
  for (const channels of [1, 3, 4, 18, 35]) {
    test(`a depthwise convolution of ${name} over ${channels} channels equals its reference`, () => {
      check({ ...window, channels });
      check({ ...window, channels }, { biased: true });
      check({ ...window, channels, pixel: channels + 3 }, { beta: 1 });
      checkGradient({ ...window, channels }, 0);
      checkGradient({ ...window, channels, pixel: channels + 1 }, 2);
    });
  }
}

test("depthwise outputs may lie apart, with pixels of other phases between them", () => {
  const places = { image: 400, row: 80, pixel: 36 };
  const outputs: [number, number] = [4, 2];
  check({ height: 3, width: 4, channels: 18, taps: [2, 2], outputs, first: [-1, 0], places });
});

test("a depthwise convolution without taps is its bias", () => {
  check({ height: 3, width: 3, channels: 18, taps: [0, 2], outputs: [3, 3] }, { biased: true });
});
