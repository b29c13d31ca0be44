import { step } from "../../src/autograd/tape.js";
import * as ops from "../../src/ops.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { uniform } from "./inputs.js";
import { random } from "./ours-kernels.js";
import { now, type Operation } from "./serve.js";

export interface ConvSpec {
  readonly batch: number;
  readonly side: number;
  readonly from: number;
  readonly to: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  /** What is timed: the result, the gradient of the images or that of the weights. */
  readonly part: "forward" | "images" | "weights";
}

type Conv2d = (x: Tensor, weight: Tensor, bias: Tensor | null, options: { stride: number; padding: number }) => Tensor;

/** Images [B, H, W, C], weights [out, in, k, k]. */
export const conv: Operation = (spec) => {
  const { conv2d } = ops as unknown as { conv2d?: Conv2d };
  if (!conv2d) throw new Error("not in this build");
  const { batch, side, from, to, kernel, stride, padding, part } = spec as unknown as ConvSpec;
  const x = random(1, [batch, side, side, from]);
  const weight = random(2, [to, from, kernel, kernel]);
  const tracked = part === "weights" ? weight : x;
  tracked.storage.tracked = true;
  const out = Math.floor((side + 2 * padding - kernel) / stride) + 1;
  const dy = uniform(3, batch * out * out * to);
  const forward = () => conv2d(x, weight, null, { stride, padding });
  const gradient = () => {
    const y = forward();
    const start = now();
    y.backward(dy);
    return now() - start;
  };
  const forget = () => {
    tracked.storage.gradientPresent = false;
  };
  return {
    run: () => {
      if (part === "forward") return step(() => void forward());
      const ms = step(gradient);
      forget();
      return ms;
    },
    outputs: () => {
      if (part === "forward") return [step(() => forward().toArray())];
      step(gradient);
      const values = tracked.grad();
      forget();
      if (!values) throw new Error("the operation has no such gradient");
      return [values];
    },
    release: () => {
      x.dispose();
      weight.dispose();
    },
  };
};
