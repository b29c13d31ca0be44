import type { BenchCase } from "../../src/cli/bench/case.js";
import { kernels } from "../../src/runtime/launch.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";

/** ViT-S as one tensor, which lies in memory; a linear layer of it, which lies in a cache; a bias of cifar-tiny. */
const sizes: readonly [string, number][] = [
  ["22M ViT-S", 22_000_000],
  ["590K fc1", 384 * 1536],
  ["96 bias", 96],
];

/** Bytes read and written for each number: weight, moments and teacher both, gradient read alone. */
const updates: readonly [string, number, boolean][] = [
  ["adamw", 28, false],
  ["adamw and moving average", 36, true],
];

export const cases: readonly BenchCase[] = sizes.flatMap(([at, n]) => [
  ...updates.flatMap(([name, bytes, follows]) => bothUnits(`${name} ${at}`, n, bytes, () => update(n, follows))),
  ...bothUnits(`moving average ${at}`, n, 12, () => {
    const [p, t] = operands(n, 2);
    return () => kernels.ema_f32(n, 0.004, p, t);
  }),
]);

/** Numbers per second, and for what does not fit a cache the traffic too. */
function bothUnits(name: string, n: number, bytes: number, prepare: () => () => void): BenchCase[] {
  const elements: BenchCase = { name, unit: "Melem/s", work: n, prepare };
  return n < 1e7 ? [elements] : [elements, { name: `${name} traffic`, unit: "GB/s", work: n * bytes, prepare }];
}

function update(n: number, follows: boolean): () => void {
  const [p, g, m, v, t] = operands(n, follows ? 5 : 4);
  const target = follows ? t : 0;
  return () => kernels.adamw_f32(n, p, g, m, v, 1e-5, 1e-3, 0.1, 0.001, 1e-8, 3, 1, target, 0.004);
}

/** Addresses of weights, gradients and so on; none is negative, since one of them holds squares. */
function operands(n: number, count: number): number[] {
  const rng = new Rng(0);
  const values = Float32Array.from({ length: n }, () => rng.uniform());
  return Array.from({ length: count }, () => fromArray(values, [n]).ptr);
}
