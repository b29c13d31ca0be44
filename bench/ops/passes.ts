import { gradTarget } from "../../src/autograd/gradient.js";
import { record, step } from "../../src/autograd/tape.js";
import type { BenchCase, Unit } from "../../src/cli/bench/case.js";
import { kernels } from "../../src/runtime/launch.js";
import { empty } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";

/** An op at one size. */
export interface TimedOp {
  /** "linear 1576x384x1536 ViT-S". */
  readonly name: string;
  readonly unit: Unit;
  readonly forwardWork: number;
  /** Of the backward pass alone. */
  readonly backwardWork: number;
  /** Makes what the op reads; `inputs` are those to which gradients flow. */
  readonly prepare: () => { inputs: readonly Tensor[]; op: () => Tensor };
}

/** Two cases of an op through the public API, with the tape on: forward, and forward with backward. */
export function passes({ name, unit, forwardWork, backwardWork, prepare }: TimedOp): BenchCase[] {
  return [
    {
      name: `op ${name} forward`,
      unit,
      work: forwardWork,
      prepare: () => {
        const { op } = prepare();
        return () => step(() => void op());
      },
    },
    {
      name: `op ${name} forward and backward`,
      unit,
      work: forwardWork + backwardWork,
      prepare: () => {
        const { inputs, op } = prepare();
        return () => {
          step(() => sumOfOnes(op()).backward());
          for (const { storage } of inputs) storage.gradientPresent = false; // as an optimiser leaves it
        };
      },
    },
  ];
}

/** A scalar with the gradient 1 everywhere, which costs one fill: what comes from above is not what is timed. */
function sumOfOnes(y: Tensor): Tensor {
  return record("sumOfOnes", empty([]), [y], () => {
    const to = gradTarget(y);
    if (to) kernels.fill_f32(y.numel, 1, to.ptr);
  });
}
