// The natural logarithm in double precision, for kernels that need few of them.

// @ts-ignore: decorator
@inline
const LN2_HIGH: f64 = 0.6931471803691238; // ln 2 rounded to 32 bits, so that k · LN2_HIGH is exact
// @ts-ignore: decorator
@inline
const LN2_LOW: f64 = 1.9082149292705877e-10;

/**
 * log(x) within 1 ulp for every x but positive subnormal ones. x = 2^k (1 + f) with 1 + f in [√½, √2); with s = f/(2 + f),
 * log(1 + f) = f − (f²/2 − s (f²/2 + R)) where R = 2 (s²/3 + s⁴/5 + …). −Infinity at 0, NaN below.
 */
export function log_f64(x: f64): f64 {
  if (!(x > 0 && x < Infinity)) return x == 0 ? -Infinity : x < 0 ? NaN : x;
  const bits = reinterpret<u64>(x);
  let k = <i32>(bits >> 52) - 1023;
  let mantissa = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    k++;
  }
  const f = mantissa - 1;
  const s = f / (2 + f);
  const z = s * s;
  let series: f64 = 2.0 / 25.0;
  series = series * z + 2.0 / 23.0;
  series = series * z + 2.0 / 21.0;
  series = series * z + 2.0 / 19.0;
  series = series * z + 2.0 / 17.0;
  series = series * z + 2.0 / 15.0;
  series = series * z + 2.0 / 13.0;
  series = series * z + 2.0 / 11.0;
  series = series * z + 2.0 / 9.0;
  series = series * z + 2.0 / 7.0;
  series = series * z + 2.0 / 5.0;
  series = series * z + 2.0 / 3.0;
  const half = 0.5 * f * f;
  return <f64>k * LN2_HIGH - (half - (s * (half + series * z) + <f64>k * LN2_LOW) - f);
}
