import { step } from "../autograd/tape.js";
import { matmul } from "../ops/matmul.js";
import { costs } from "../runtime/work.js";
import { full } from "../tensor/create.js";
import type { WorkCount } from "./step-count.js";

/** A product of the size that transformers make, some four milliseconds of one core. */
const PRODUCT = { m: 512, n: 384, k: 384 };
/** Until the engine has compiled kernels well, and then. */
const WARM_UP_MS = 60;
const TRIAL_MS = 150;
/** A call of a kernel beyond its extents: checks, allocation, the tape, what small operands waste; in microseconds. */
const CALL_US = 10;

/** How fast the live runtime computes. */
export interface HostSpeed {
  /** Of a product, all threads together. */
  readonly multiplyAddsPerSecond: number;
}

/** Times a product for a fraction of a second, on the threads of the live runtime. */
export function measureSpeed(): HostSpeed {
  const { m, n, k } = PRODUCT;
  const times: number[] = [];
  step(() => {
    const [a, b] = [full([m, k], 1), full([k, n], 1)];
    const start = performance.now();
    for (let now = start; now < start + WARM_UP_MS + TRIAL_MS || times.length === 0; ) {
      step(() => {
        matmul(a, b); // not returned, which would keep it
      });
      const end = performance.now();
      if (end > start + WARM_UP_MS) times.push(end - now);
      now = end;
    }
  });
  times.sort((x, y) => x - y);
  return { multiplyAddsPerSecond: (1000 * m * n * k) / times[Math.floor(times.length / 2)] };
}

/**
 * Seconds that a step would take. Kernels keep the proportions of runtime/work.ts, and products go as fast as the trial did;
 * decoding is left out.
 */
export function secondsPerStep({ serialUs, calls }: WorkCount, { multiplyAddsPerSecond }: HostSpeed): number {
  const { m, n, k } = PRODUCT;
  const noted = (1e6 * m * n * k) / costs.gemm_f32(m, n, k);
  return (serialUs * (noted / multiplyAddsPerSecond) + calls * CALL_US) / 1e6;
}
