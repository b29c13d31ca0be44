// The constants of math.ts as a table in linear memory. V8 builds a v128 constant anew at every use, inside loops too;
// a load from a fixed address is cheaper. The host writes the table once at start by calling constants_table, so the
// module needs no data segment. The first page of memory is reserved for it.
import { expect_range } from "./contract";

/** Byte address of the table: entry i is a v128 at TABLE + 16·i. */
// @ts-ignore: decorator
@inline
export const TABLE: usize = 1024;

/** Entry numbers. Each entry is an f32, or an i32, repeated over the four lanes. */
export const enum Entry {
  ONE,
  HALF,

  // 2^t = 2^n · 2^f: see exp2_f32x4
  EXP2_LOWEST,
  EXP2_MAGIC,
  EXP2_C1,
  EXP2_C2,
  EXP2_C3,
  EXP2_C4,
  EXP2_C5,

  // log(1 + f): see log_f32x4
  LOG_SQRT_HALF,
  LOG_MANTISSA,
  LOG_LN2_HIGH,
  LOG_LN2_LOW,
  LOG_C0,
  LOG_C1,
  LOG_C2,
  LOG_C3,
  LOG_C4,
  LOG_C5,
  LOG_C6,
  LOG_C7,

  // x·Φ(x): see gelu_f32x4
  MAGNITUDE,
  GELU_Q0,
  GELU_Q1,
  GELU_Q2,
  GELU_Q3,
  GELU_Q4,
  GELU_Q5,
  GELU_Q6,
  GELU_Q7,
  GELU_Q8,
  GELU_Q9,

  // (x·Φ(x))′: see gelu_slope_f32x4
  SLOPE_HIGHEST,
  SLOPE_LOWEST,
  SLOPE_P0,
  SLOPE_P1,
  SLOPE_P2,
  SLOPE_P3,
  SLOPE_P4,
  SLOPE_P5,
  SLOPE_Q0,
  SLOPE_Q1,
  SLOPE_Q2,
  SLOPE_Q3,
  SLOPE_Q4,
}

// @ts-ignore: decorator
@inline
function put(entry: i32, value: f32): void {
  v128.store(TABLE + (<usize>entry << 4), f32x4.splat(value));
}

// @ts-ignore: decorator
@inline
function put_bits(entry: i32, value: i32): void {
  v128.store(TABLE + (<usize>entry << 4), i32x4.splat(value));
}

// @ts-ignore: decorator
@inline
export function constant(entry: i32): v128 {
  return v128.load(TABLE + (<usize>entry << 4));
}

/**
 * Writes the constants table.
 *
 * reads     nothing
 * writes    16 bytes at TABLE for each entry, below address 4096
 * requires  n = 1
 * splits    not at all
 * error     none
 */
export function constants_table(n: i32, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  assert(n == 1);
  put(Entry.ONE, 1);
  put(Entry.HALF, 0.5);
  put_exp2();
  put_log();
  put_gelu();
  put_gelu_slope();
}

/** The polynomial has the least largest relative error on [−½, ½] among those of degree 5 that are 1 at 0: 9.2e-8. */
function put_exp2(): void {
  put(Entry.EXP2_LOWEST, -127);
  put(Entry.EXP2_MAGIC, 12583039); // 1.5·2²³ + 127
  put(Entry.EXP2_C1, 0.6931470036506653);
  put(Entry.EXP2_C2, 0.24022242426872253);
  put(Entry.EXP2_C3, 0.05550733581185341);
  put(Entry.EXP2_C4, 0.009671512991189957);
  put(Entry.EXP2_C5, 0.001326472731307149);
}

/** C0 … C7 fit (log(1 + f) − f + f²/2) / f³ on [√½ − 1, √2 − 1]; relative error of the logarithm 5.9e-9. */
function put_log(): void {
  put_bits(Entry.LOG_SQRT_HALF, 0x3f3504f3);
  put_bits(Entry.LOG_MANTISSA, 0x007fffff);
  put(Entry.LOG_LN2_HIGH, 0.693359375);
  put(Entry.LOG_LN2_LOW, -0.00021219444005471377);
  put(Entry.LOG_C0, 0.3333333134651184);
  put(Entry.LOG_C1, -0.2500081956386566);
  put(Entry.LOG_C2, 0.20001226663589478);
  put(Entry.LOG_C3, -0.16623356938362122);
  put(Entry.LOG_C4, 0.14201757311820984);
  put(Entry.LOG_C5, -0.13160182535648346);
  put(Entry.LOG_C6, 0.1276158094406128);
  put(Entry.LOG_C7, -0.07634500414133072);
}

/** Q0 … Q9: q⁻⁴ with q = Q0 + Q1·u + … has the least largest error from ½·erfc(u/√2), 1.1e-7 for all u ≥ 0. */
function put_gelu(): void {
  put_bits(Entry.MAGNITUDE, 0x7fffffff);
  put(Entry.GELU_Q0, 1.1892070770263672);
  put(Entry.GELU_Q1, 0.23721842467784882);
  put(Entry.GELU_Q2, 0.11820686608552933);
  put(Entry.GELU_Q3, 0.0317133367061615);
  put(Entry.GELU_Q4, 0.00525596784427762);
  put(Entry.GELU_Q5, 0.003382796188816428);
  put(Entry.GELU_Q6, -0.0010902434587478638);
  put(Entry.GELU_Q7, 0.0007288530468940735);
  put(Entry.GELU_Q8, -0.00016692579083610326);
  put(Entry.GELU_Q9, 0.000022572405214305036);
}

/** The fit, with the highest coefficient of Q 1, has the least largest error on [−5.8, 5.8]: 1.1e-7. */
function put_gelu_slope(): void {
  put(Entry.SLOPE_HIGHEST, 5.8);
  put(Entry.SLOPE_LOWEST, -5.8);
  put(Entry.SLOPE_P0, 89124.6875);
  put(Entry.SLOPE_P1, -3462.282470703125);
  put(Entry.SLOPE_P2, 1589.542236328125);
  put(Entry.SLOPE_P3, 2.1467318534851074);
  put(Entry.SLOPE_P4, 4.016329765319824);
  put(Entry.SLOPE_P5, 0.021550554782152176);
  put(Entry.SLOPE_Q0, 111701.1171875);
  put(Entry.SLOPE_Q1, 32895.30078125);
  put(Entry.SLOPE_Q2, 4577.5322265625);
  put(Entry.SLOPE_Q3, 393.5267333984375);
  put(Entry.SLOPE_Q4, 21.450639724731445);
}
