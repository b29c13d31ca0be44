import * as reference from "../reference/conv-grad-weight.js";
import { checkKernel } from "../support/kernels.js";
import { test } from "../support/test.js";
import { layWindow, type WindowCase, windows } from "../support/window.js";

interface Options {
  n: number;
  beta?: 0 | 1;
  alpha?: number;
  /** Channels of dy beyond n. */
  wider?: number;
}

function check(window: WindowCase, { n, beta = 0, alpha = 1, wider = 0 }: Options): void {
  checkKernel("conv_grad_weight_f32", reference.conv_grad_weight_f32, {
    args: (memory) => {
      const laid = layWindow(memory, n, window);
      const terms = laid.taps * window.channels;
      const x = memory.input(laid.xWords);
      const dy = memory.input(laid.pixels * (n + wider));
      const dw = memory.output(n * terms, { beta });
      const panels = Math.ceil(terms / 8);
      return [panels, n, window.channels, laid.pixels, laid.window, x, dy, n + wider, alpha, beta, dw];
    },
    atol: 4e-5,
  });
}

for (const [name, window] of windows) {
  for (const channels of [1, 3, 8, 16, 19]) {
    test(`the weight gradient of ${name} over ${channels} channels equals its reference`, () => {
      check({ ...window, channels }, { n: 4 });
      check({ ...window, channels }, { n: 7, beta: 1, alpha: 1.5 });
      check({ ...window, channels, pixel: channels + 3 }, { n: 5, wider: 2 });
    });
  }
}

test("more pixels than a block holds are added block by block", () => {
  const window: WindowCase = { batch: 5, height: 9, width: 12, channels: 8, taps: [3, 3], first: [-1, -1] };
  check(window, { n: 12 });
  check({ ...window, channels: 3 }, { n: 12, beta: 1 });
  check({ ...window, height: 16, width: 8, batch: 3 }, { n: 4 }); // exactly 384 pixels
});

test("more outputs than a block holds are packed block by block", () => {
  check({ height: 4, width: 3, channels: 8, taps: [2, 2] }, { n: 263 });
  check({ height: 4, width: 3, channels: 2, taps: [2, 2] }, { n: 263, beta: 1 });
});

test("more unaligned terms than a row holds are laid out part by part", () => {
  check({ height: 4, width: 5, channels: 45, taps: [3, 3], first: [-1, -1] }, { n: 9 });
});

test("the weight gradient to no channels writes nothing", () => {
  check({ height: 3, width: 3, channels: 2, taps: [2, 2] }, { n: 0 });
});
