import { step } from "../../src/autograd/tape.js";
import type { BenchCase } from "../../src/cli/bench/case.js";
import { tracked } from "../../src/cli/bench/seeded.js";
import { gelu } from "../../src/ops/activation.js";
import { linear } from "../../src/ops/linear.js";
import type { Tensor } from "../../src/tensor/tensor.js";

/** Ops in one step, so that the cost of a step is shared by many. */
const CHAIN = 256;

/** What an op of a few numbers costs: checks, allocation, launch and tape, and backward its closure. */
function overhead(name: string, prepare: () => { input: Tensor; op: (x: Tensor) => Tensor }): BenchCase[] {
  const chain = (x: Tensor, op: (x: Tensor) => Tensor) => {
    let y = x;
    for (let i = 0; i < CHAIN; i++) y = op(y);
    return y;
  };
  const common = { unit: "us", work: 0, repeats: CHAIN } as const;
  return [
    {
      ...common,
      name: `overhead ${name} forward`,
      prepare: () => {
        const { input, op } = prepare();
        return () => step(() => void chain(input, op));
      },
    },
    {
      ...common,
      name: `overhead ${name} forward and backward`,
      prepare: () => {
        const { input, op } = prepare();
        return () => {
          step(() => chain(input, op).backward([1]));
          input.storage.gradientPresent = false;
        };
      },
    },
  ];
}

export const cases: readonly BenchCase[] = [
  ...overhead("gelu of one number", () => ({ input: tracked([1]), op: gelu })),
  ...overhead("linear of one number", () => {
    const weight = tracked([1, 1], 2);
    return { input: tracked([1, 1]), op: (x) => linear(x, weight) };
  }),
  { name: "overhead step with nothing in it", unit: "us", work: 0, prepare: () => () => step(() => {}) },
];
