import { ConfigError } from "../errors.js";
import { exp, log } from "./math.js";
import type { Rng } from "./random.js";

/**
 * A draw from the Beta distribution, as X / (X + Y) of two Gamma draws.
 *
 * @param rng  how many words are taken varies
 * @param a  > 0
 * @param b  > 0
 * @returns a number in [0, 1]
 * @throws ConfigError unless both are positive
 */
export function drawBeta(rng: Rng, a: number, b: number): number {
  if (!(a > 0 && b > 0)) throw new ConfigError(`beta: parameters are ${a} and ${b}, expected two positive numbers.`);
  const x = drawLogGamma(rng, a);
  const y = drawLogGamma(rng, b);
  return 1 / (1 + exp(y - x));
}

/**
 * The logarithm of a Gamma draw of shape a and scale 1, in which shapes near 0 do not underflow. Marsaglia, Tsang, "A simple
 * method for generating gamma variables", 2000; below 1 by Gamma(a) = Gamma(a + 1) · U^(1/a).
 */
function drawLogGamma(rng: Rng, a: number): number {
  if (a < 1) return drawLogGamma(rng, a + 1) + log(1 - rng.uniform()) / a; // 1 − u is never 0
  const d = a - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = rng.normal();
    const cube = (1 + c * x) * (1 + c * x) * (1 + c * x);
    if (cube <= 0) continue;
    const logCube = log(cube);
    if (log(1 - rng.uniform()) < 0.5 * x * x + d - d * cube + d * logCube) return log(d) + logCube;
  }
}
