/** Largest finite number of half precision. */
export const LARGEST_HALF = 65504;

/** Half of the step between subnormal halves, below which a number becomes 0. */
const SMALLEST = 2 ** -25;
const SIGN = 0x8000;
const INFINITE = 0x7c00;

/** The value of a half-precision number (IEEE 754 binary16) with the given bits, exactly. */
export function halfToNumber(bits: number): number {
  const sign = bits & SIGN ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** Bits of the half-precision number that is nearest to a float32, the even one of two; infinite beyond the largest. */
export function numberToHalf(value: number): number {
  float[0] = value;
  const bits = word[0];
  const sign = (bits >>> 16) & SIGN;
  const size = Math.abs(float[0]);
  if (Number.isNaN(size)) return sign | INFINITE | 512;
  if (size >= LARGEST_HALF + 16) return sign | INFINITE;
  if (size <= SMALLEST) return sign;
  if (size < 2 ** -14) return sign | nearestEven(size * 2 ** 24);
  // 13 of 23 bits of the fraction go; a carry runs into the exponent, as it must.
  const kept = bits & 0x7fffffff;
  return sign | (((kept + 0xfff + ((kept >>> 13) & 1)) >>> 13) - (112 << 10));
}

function nearestEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}
