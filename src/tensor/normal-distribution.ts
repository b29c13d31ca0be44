// The standard normal distribution by + − · ÷ √ and the logarithm of math.ts, so that every engine draws the same numbers.
import { log } from "./math.js";

// Wichura, "Algorithm AS 241: the percentage points of the normal distribution", 1988: rational functions of degree 7 for
// the centre (|p − ½| ≤ 0.425), the near tail (r = √(−log p) ≤ 5) and the far tail. Highest power first.
const CENTRE_NUMERATOR = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
  133.14166789178438, 3.3871328727963665,
];
const CENTRE_DENOMINATOR = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
  42.31333070160091, 1,
];
const NEAR_NUMERATOR = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
];
const NEAR_DENOMINATOR = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
];
const FAR_NUMERATOR = [
  2.0103343992922881e-7, 0.000027115555687434876, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
  1.7848265399172913, 5.463784911164114, 6.657904643501103,
];
const FAR_DENOMINATOR = [
  2.0442631033899397e-15, 1.421511758316446e-7, 0.000018463183175100548, 0.0007868691311456133, 0.014875361290850615,
  0.1369298809227358, 0.599832206555888, 1,
];

/**
 * Φ⁻¹(p): the number that a standard normal variable stays below with probability p, to 1e-16 relative (AS 241).
 *
 * @param p  probability in (0, 1)
 * @returns −Infinity at 0, Infinity at 1, NaN outside
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(CENTRE_NUMERATOR, r)) / polynomial(CENTRE_DENOMINATOR, r);
  }
  if (!(p > 0 && p < 1)) return p === 0 ? Number.NEGATIVE_INFINITY : p === 1 ? Number.POSITIVE_INFINITY : Number.NaN;
  const r = Math.sqrt(-log(q < 0 ? p : 1 - p));
  const near = r <= 5;
  const t = near ? r - 1.6 : r - 5;
  const numerator = polynomial(near ? NEAR_NUMERATOR : FAR_NUMERATOR, t);
  const denominator = polynomial(near ? NEAR_DENOMINATOR : FAR_DENOMINATOR, t);
  return q < 0 ? -numerator / denominator : numerator / denominator;
}

/**
 * Φ(x) to about 1e-16 absolute, by bisection of its inverse: slow, meant for the bounds of a truncated distribution.
 * 0 below −9 and 1 above 9.
 */
export function normalCdf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 0) return 1 - normalCdf(-x);
  if (x < -9) return 0;
  let low = 0;
  let high = 0.5;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalQuantile(middle) < x) low = middle;
    else high = middle;
  }
  return high;
}

function polynomial(coefficients: readonly number[], x: number): number {
  let y = coefficients[0];
  for (let i = 1; i < coefficients.length; i++) y = y * x + coefficients[i];
  return y;
}
