// Elementary functions in f64 from + − · ÷, floor and bit views alone. Every engine rounds those the same way, whereas
// Math.exp and its kin may differ in the last bit from engine to engine; whatever can reach a weight (schedules, random
// numbers, augmentation) therefore uses this file.
import { NumericError } from "../errors.js";

const word = new DataView(new ArrayBuffer(8));

const LN2_HIGH = 0.6931471803691238; // ln 2 rounded to 32 bits, so that k · LN2_HIGH is exact for |k| < 2^20
const LN2_LOW = 1.9082149292705877e-10; // ln 2 − LN2_HIGH

// π/2 = PIO2_1 + PIO2_2 + PIO2_3 + …; the first two have 33 bits, so that n · PIO2_1 and n · PIO2_2 are exact for n ≤ 2^20.
const PIO2_1 = 1.5707963267341256;
const PIO2_2 = 6.077100506303966e-11;
const PIO2_3 = 2.0222662487959506e-21;
const TWO_OVER_PI = 0.6366197723675814;
const MAX_ANGLE = 2 ** 20;

/** 1/m! for m = 2 … 18; the divisors are exact in f64, so each quotient is the nearest double. */
const INVERSE_FACTORIAL: readonly number[] = (() => {
  const values = [1, 1];
  let factorial = 1;
  for (let m = 2; m <= 18; m++) {
    factorial *= m;
    values.push(1 / factorial);
  }
  return values;
})();

/** 2^k for −1022 ≤ k ≤ 1023. */
function powerOfTwo(k: number): number {
  word.setInt32(0, (k + 1023) << 20);
  word.setInt32(4, 0);
  return word.getFloat64(0);
}

/**
 * e^x, within 1 ulp. Reduction to r = x − k ln 2 with |r| ≤ ½ ln 2, then the Taylor series to r^14.
 *
 * @returns Infinity above 709.79, 0 below −745.2, NaN for NaN
 */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709.782712893384) return Number.POSITIVE_INFINITY;
  if (x < -745.1332191019412) return 0;
  const k = Math.floor(x * Math.LOG2E + 0.5);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  let series = 0;
  for (let m = 14; m >= 2; m--) series = series * r + INVERSE_FACTORIAL[m];
  const y = 1 + (high + (r * r * series - low));
  if (k < -1021) return y * powerOfTwo(k + 100) * powerOfTwo(-100); // a subnormal result is rounded once, at the end
  return k > 1023 ? y * 2 * powerOfTwo(k - 1) : y * powerOfTwo(k);
}

/**
 * Natural logarithm, within 1 ulp. x = 2^k (1 + f) with 1 + f in [√½, √2); with s = f/(2 + f),
 * log(1 + f) = 2 (s + s³/3 + s⁵/5 + …) = f − (f²/2 − s (f²/2 + R)), R = 2 (s²/3 + s⁴/5 + …).
 *
 * @returns −Infinity at 0, NaN below 0
 */
export function log(x: number): number {
  if (Number.isNaN(x) || x < 0) return Number.NaN;
  if (x === 0) return Number.NEGATIVE_INFINITY;
  if (x === Number.POSITIVE_INFINITY) return x;
  const subnormal = x < 2.2250738585072014e-308;
  word.setFloat64(0, subnormal ? x * 2 ** 54 : x);
  const top = word.getInt32(0);
  let k = (top >> 20) - 1023 - (subnormal ? 54 : 0);
  word.setInt32(0, (top & 0xfffff) | (1023 << 20));
  let mantissa = word.getFloat64(0);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    k++;
  }
  const f = mantissa - 1;
  const s = f / (2 + f);
  const z = s * s;
  let series = 0;
  for (let m = 25; m >= 3; m -= 2) series = series * z + 2 / m;
  const half = 0.5 * f * f;
  return k * LN2_HIGH - (half - (s * (half + series * z) + k * LN2_LOW) - f);
}

/** sin x, within 1 ulp. x in radians. @throws NumericError if |x| > 2^20 */
export function sin(x: number): number {
  const { quadrant, high, low } = reduceAngle("sin", x);
  const value = (quadrant & 1) === 0 ? sineSeries(high, low) : cosineSeries(high, low);
  return quadrant >= 2 ? -value : value;
}

/** cos x, within 1 ulp. x in radians. @throws NumericError if |x| > 2^20 */
export function cos(x: number): number {
  const { quadrant, high, low } = reduceAngle("cos", x);
  const value = (quadrant & 1) === 0 ? cosineSeries(high, low) : sineSeries(high, low);
  return quadrant === 1 || quadrant === 2 ? -value : value;
}

/** x = n π/2 + (high + low) with |high| ≤ π/4; quadrant = n mod 4. */
function reduceAngle(name: string, x: number): { quadrant: number; high: number; low: number } {
  if (Math.abs(x) > MAX_ANGLE) {
    throw new NumericError(`${name}: the angle ${x} exceeds 2^20 radians. Subtract whole turns before the call.`);
  }
  const n = Math.floor(x * TWO_OVER_PI + 0.5);
  const first = x - n * PIO2_1; // exact: the two lie within a factor of two, or n is 0
  const second = twoSum(first, -n * PIO2_2);
  const rest = second.low - n * PIO2_3;
  const high = second.high + rest;
  return { quadrant: n & 3, high, low: second.high - high + rest };
}

/** sin(x + dx), |x| ≤ π/4, |dx| far below an ulp of 1. */
function sineSeries(x: number, dx: number): number {
  const z = x * x;
  let series = 0;
  for (let m = 17; m >= 3; m -= 2) series = series * -z + INVERSE_FACTORIAL[m];
  return x + (dx * (1 - 0.5 * z) - x * z * series);
}

/** cos(x + dx), |x| ≤ π/4, |dx| far below an ulp of 1. */
function cosineSeries(x: number, dx: number): number {
  const z = x * x;
  let series = 0;
  for (let m = 18; m >= 4; m -= 2) series = series * -z + INVERSE_FACTORIAL[m];
  const half = 0.5 * z;
  const head = 1 - half;
  return head + (1 - head - half + (z * z * series - x * dx)); // 1 − head − half restores what rounding of head lost
}

/** A number as the unevaluated sum of two doubles, about 106 bits. */
interface DoubleDouble {
  high: number;
  low: number;
}

/** a + b without rounding (Knuth). */
function twoSum(a: number, b: number): DoubleDouble {
  const high = a + b;
  const part = high - a;
  return { high, low: a - (high - part) + (b - part) };
}

/** a · b without rounding (Dekker), for |a|, |b| < 2^996. */
function twoProduct(a: number, b: number): DoubleDouble {
  const high = a * b;
  const [a1, a2] = splitInHalves(a);
  const [b1, b2] = splitInHalves(b);
  return { high, low: a1 * b1 - high + a1 * b2 + a2 * b1 + a2 * b2 };
}

/** a = a1 + a2 with at most 26 bits each (Veltkamp). */
function splitInHalves(a: number): [number, number] {
  const scaled = a * 134217729; // 2^27 + 1
  const a1 = scaled - (scaled - a);
  return [a1, a - a1];
}

function multiply(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const coarse = a.high * b.high;
  if (coarse === 0 || !(Math.abs(coarse) < 1e290)) return { high: coarse, low: 0 };
  const product = twoProduct(a.high, b.high);
  const tail = product.low + (a.high * b.low + a.low * b.high);
  const high = product.high + tail;
  return { high, low: product.high - high + tail };
}

/**
 * base^n for an integer n, rounded correctly (products carry 106 bits) where |base^n| lies between 1e-270 and 1e290.
 *
 * @param n  integer exponent, of either sign
 * @throws NumericError unless n is an integer
 */
export function powInt(base: number, n: number): number {
  if (!Number.isSafeInteger(n)) throw new NumericError(`powInt: the exponent must be an integer, got ${n}.`);
  let result: DoubleDouble = { high: 1, low: 0 };
  let square: DoubleDouble = { high: base, low: 0 };
  for (let left = Math.abs(n); left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(result, square);
    if (left > 1) square = multiply(square, square);
  }
  return n < 0 ? reciprocal(result) : result.high;
}

/** 1 / (high + low), one Newton step after the quotient of doubles. */
function reciprocal({ high, low }: DoubleDouble): number {
  const guess = 1 / high;
  if (guess === 0 || !(Math.abs(high) < 1e290 && Math.abs(guess) < 1e290)) return guess;
  const back = twoProduct(guess, high);
  return guess + guess * (1 - back.high - back.low - guess * low);
}

/** The nearest integer; a tie goes to the even neighbour, as in Python's round(). */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
