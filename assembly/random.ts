import { expect_aligned, expect_positive, expect_range } from "./contract";
import { log_f64 } from "./math_f64";

/**
 * One block of Philox 4×32-10 as four words (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * 2011), for the counter (low, high, 0, 0).
 */
function philox(counter: u64, key0: u32, key1: u32): v128 {
  let c0 = <u32>counter;
  let c1 = <u32>(counter >> 32);
  let c2: u32 = 0;
  let c3: u32 = 0;
  for (let round = 0; round < 10; round++) {
    const product0 = <u64>0xd2511f53 * c0;
    const product1 = <u64>0xcd9e8d57 * c2;
    c0 = <u32>(product1 >> 32) ^ c1 ^ key0;
    c1 = <u32>product1;
    c2 = <u32>(product0 >> 32) ^ c3 ^ key1;
    c3 = <u32>product0;
    key0 += 0x9e3779b9;
    key1 += 0xbb67ae85;
  }
  let words = i32x4.splat(c0);
  words = i32x4.replace_lane(words, 1, c1);
  words = i32x4.replace_lane(words, 2, c2);
  return i32x4.replace_lane(words, 3, c3);
}

/** The block that holds element i: four elements per block. */
// @ts-ignore: decorator
@inline
function words_of(i: i32, key0: i32, key1: i32, counter0: i32, counter1: i32): v128 {
  const first = (<u64>(<u32>counter1) << 32) | <u64>(<u32>counter0);
  return philox(first + <u64>(i >> 2), key0, key1);
}

// @ts-ignore: decorator
@inline
function lane_of(words: v128, lane: i32): u32 {
  if (lane == 0) return i32x4.extract_lane(words, 0);
  if (lane == 1) return i32x4.extract_lane(words, 1);
  if (lane == 2) return i32x4.extract_lane(words, 2);
  return i32x4.extract_lane(words, 3);
}

/**
 * y[i] = low + (high − low) · u, u uniform over the multiples of 2⁻²⁴ in [0, 1)
 *
 * Word i mod 4 of Philox block (counter + ⌊i/4⌋) under the key gives element i.
 *
 * reads     nothing
 * writes    y  f32[n], contiguous
 * requires  0 ≤ begin ≤ end ≤ n; keys and counters are bit patterns of unsigned words
 * splits    over n, anywhere
 * error     two roundings
 */
export function uniform_f32(
  n: i32, key0: i32, key1: i32, counter0: i32, counter1: i32, low: f32, high: f32, y: usize, begin: i32, end: i32,
): void {
  expect_range(n, begin, end);
  expect_aligned(y);
  const width = high - low;
  for (let i = begin; i < end; ) {
    const words = words_of(i, key0, key1, counter0, counter1);
    const stop = min((i | 3) + 1, end);
    for (; i < stop; i++) {
      store<f32>(y + (<usize>i << 2), low + width * (<f32>(lane_of(words, i & 3) >>> 8) * (1.0 / 16777216.0)));
    }
  }
}

/**
 * y[i] = mean + std · Φ⁻¹(u), u = (w + ½) / 2³² for the random word w
 *
 * Word i mod 4 of Philox block (counter + ⌊i/4⌋) under the key gives element i.
 *
 * reads     nothing
 * writes    y  f32[n], contiguous
 * requires  0 ≤ begin ≤ end ≤ n; keys and counters are bit patterns of unsigned words
 * splits    over n, anywhere
 * error     one rounding; Φ⁻¹ to 1e-15 relative. |y − mean| ≤ 6.4 std
 */
export function normal_f32(
  n: i32, key0: i32, key1: i32, counter0: i32, counter1: i32, mean: f32, std: f32, y: usize, begin: i32, end: i32,
): void {
  expect_range(n, begin, end);
  expect_aligned(y);
  for (let i = begin; i < end; ) {
    const words = words_of(i, key0, key1, counter0, counter1);
    const stop = min((i | 3) + 1, end);
    for (; i < stop; i++) {
      const z = normal_quantile(open_unit(lane_of(words, i & 3)));
      store<f32>(y + (<usize>i << 2), <f32>(<f64>mean + <f64>std * z));
    }
  }
}

/**
 * y[i] = mean + std · Φ⁻¹(a + (b − a) · u), a = Φ((bound_low − mean)/std), b likewise, u as in normal_f32: normal,
 * restricted to [bound_low, bound_high]
 *
 * reads     nothing
 * writes    y  f32[n], contiguous
 * requires  std > 0; bound_low < bound_high; 0 ≤ begin ≤ end ≤ n; keys and counters are bit patterns of unsigned words
 * splits    over n, anywhere
 * error     one rounding; a and b to 1e-16
 */
export function truncated_normal_f32(
  n: i32, key0: i32, key1: i32, counter0: i32, counter1: i32,
  mean: f32, std: f32, bound_low: f32, bound_high: f32, y: usize, begin: i32, end: i32,
): void {
  expect_range(n, begin, end);
  expect_aligned(y);
  expect_positive(std);
  expect_positive(bound_high - bound_low);
  const below = normal_cdf((<f64>bound_low - <f64>mean) / <f64>std);
  const share = normal_cdf((<f64>bound_high - <f64>mean) / <f64>std) - below;
  for (let i = begin; i < end; ) {
    const words = words_of(i, key0, key1, counter0, counter1);
    const stop = min((i | 3) + 1, end);
    for (; i < stop; i++) {
      const z = normal_quantile(below + share * open_unit(lane_of(words, i & 3)));
      store<f32>(y + (<usize>i << 2), max(bound_low, min(bound_high, <f32>(<f64>mean + <f64>std * z))));
    }
  }
}

// @ts-ignore: decorator
@inline
function open_unit(word: u32): f64 {
  return (<f64>word + 0.5) * (1.0 / 4294967296.0);
}

/** Φ(x) to 1e-16, by bisection of its inverse; 0 below −9 and 1 above 9. */
function normal_cdf(x: f64): f64 {
  const target = -abs(x);
  let low: f64 = 0;
  let high: f64 = 0.5;
  if (target < -9) high = 0;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) * 0.5;
    if (middle > 0 && normal_quantile(middle) < target) low = middle;
    else high = middle;
  }
  return x > 0 ? 1 - high : high;
}

/**
 * Φ⁻¹(p) for 0 ≤ p ≤ 1 (Wichura, "Algorithm AS 241: the percentage points of the normal distribution", 1988): rational
 * functions for the centre, the near tail and the far tail.
 */
function normal_quantile(p: f64): f64 {
  const q = p - 0.5;
  if (abs(q) <= 0.425) return q * centre(0.180625 - q * q);
  const tail = q < 0 ? p : 1 - p;
  if (tail <= 0) return q < 0 ? -Infinity : Infinity;
  const r = sqrt<f64>(-log_f64(tail));
  const z = r <= 5 ? near_tail(r - 1.6) : far_tail(r - 5);
  return q < 0 ? -z : z;
}

// @ts-ignore: decorator
@inline
function centre(t: f64): f64 {
  let numerator: f64 = 2509.0809287301227;
  numerator = numerator * t + 33430.57558358813;
  numerator = numerator * t + 67265.7709270087;
  numerator = numerator * t + 45921.95393154987;
  numerator = numerator * t + 13731.69376550946;
  numerator = numerator * t + 1971.5909503065513;
  numerator = numerator * t + 133.14166789178438;
  numerator = numerator * t + 3.3871328727963665;
  let denominator: f64 = 5226.495278852854;
  denominator = denominator * t + 28729.085735721943;
  denominator = denominator * t + 39307.89580009271;
  denominator = denominator * t + 21213.794301586597;
  denominator = denominator * t + 5394.196021424751;
  denominator = denominator * t + 687.1870074920579;
  denominator = denominator * t + 42.31333070160091;
  denominator = denominator * t + 1.0;
  return numerator / denominator;
}

// @ts-ignore: decorator
@inline
function near_tail(t: f64): f64 {
  let numerator: f64 = 0.0007745450142783414;
  numerator = numerator * t + 0.022723844989269184;
  numerator = numerator * t + 0.2417807251774506;
  numerator = numerator * t + 1.2704582524523684;
  numerator = numerator * t + 3.6478483247632045;
  numerator = numerator * t + 5.769497221460691;
  numerator = numerator * t + 4.630337846156546;
  numerator = numerator * t + 1.4234371107496835;
  let denominator: f64 = 1.0507500716444169e-9;
  denominator = denominator * t + 0.0005475938084995345;
  denominator = denominator * t + 0.015198666563616457;
  denominator = denominator * t + 0.14810397642748008;
  denominator = denominator * t + 0.6897673349851;
  denominator = denominator * t + 1.6763848301838038;
  denominator = denominator * t + 2.053191626637759;
  denominator = denominator * t + 1.0;
  return numerator / denominator;
}

// @ts-ignore: decorator
@inline
function far_tail(t: f64): f64 {
  let numerator: f64 = 2.0103343992922881e-7;
  numerator = numerator * t + 0.000027115555687434876;
  numerator = numerator * t + 0.0012426609473880784;
  numerator = numerator * t + 0.026532189526576124;
  numerator = numerator * t + 0.29656057182850487;
  numerator = numerator * t + 1.7848265399172913;
  numerator = numerator * t + 5.463784911164114;
  numerator = numerator * t + 6.657904643501103;
  let denominator: f64 = 2.0442631033899397e-15;
  denominator = denominator * t + 1.421511758316446e-7;
  denominator = denominator * t + 0.000018463183175100548;
  denominator = denominator * t + 0.0007868691311456133;
  denominator = denominator * t + 0.014875361290850615;
  denominator = denominator * t + 0.1369298809227358;
  denominator = denominator * t + 0.599832206555888;
  denominator = denominator * t + 1.0;
  return numerator / denominator;
}
