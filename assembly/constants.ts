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
  EXP2_C6,

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

  // Each the first of 13 entries, numbered by Sigmoid: see sigmoid_fit_f32x4
  NORMAL_CDF,
  GELU_SLOPE = NORMAL_CDF + 13,
}

/** Offsets within a fit that sigmoid_fit_f32x4 evaluates. */
export const enum Sigmoid {
  HIGHEST,
  LOWEST,
  P0,
  P1,
  P2,
  P3,
  P4,
  P5,
  Q1,
  Q2,
  Q3,
  Q4,
  Q5,
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
  put_normal_cdf();
  put_gelu_slope();
}

/** The polynomial has the least largest relative error on [−½, ½] among those of degree 6 that are 1 at 0: 2.0e-9. */
function put_exp2(): void {
  put(Entry.EXP2_LOWEST, -127);
  put(Entry.EXP2_MAGIC, 12583039); // 1.5·2²³ + 127
  put(Entry.EXP2_C1, 0.6931471824645996);
  put(Entry.EXP2_C2, 0.24022647738456726);
  put(Entry.EXP2_C3, 0.055503323674201965);
  put(Entry.EXP2_C4, 0.00961843691766262);
  put(Entry.EXP2_C5, 0.0013398875016719103);
  put(Entry.EXP2_C6, 0.00015353361959569156);
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

/** Φ; the fit has the least largest error on [−5.6, 5.6]: 9.3e-9. */
function put_normal_cdf(): void {
  put(Entry.NORMAL_CDF + Sigmoid.HIGHEST, 5.6);
  put(Entry.NORMAL_CDF + Sigmoid.LOWEST, -5.6);
  put(Entry.NORMAL_CDF + Sigmoid.P0, 0.398942232131958);
  put(Entry.NORMAL_CDF + Sigmoid.P1, 0.03437616303563118);
  put(Entry.NORMAL_CDF + Sigmoid.P2, 0.004707263316959143);
  put(Entry.NORMAL_CDF + Sigmoid.P3, 0.00017385135288350284);
  put(Entry.NORMAL_CDF + Sigmoid.P4, 6.3565421442035586e-6);
  put(Entry.NORMAL_CDF + Sigmoid.P5, 2.2145307809751102e-8);
  put(Entry.NORMAL_CDF + Sigmoid.Q1, 0.2528339624404907);
  put(Entry.NORMAL_CDF + Sigmoid.Q2, 0.028940120711922646);
  put(Entry.NORMAL_CDF + Sigmoid.Q3, 0.00191298162098974);
  put(Entry.NORMAL_CDF + Sigmoid.Q4, 7.510215800721198e-5);
  put(Entry.NORMAL_CDF + Sigmoid.Q5, 1.1802126209659036e-6);
}

/** (x·Φ(x))′ = Φ(x) + x·φ(x); the fit has the least largest error on [−5.8, 5.8]: 1.1e-7. */
function put_gelu_slope(): void {
  put(Entry.GELU_SLOPE + Sigmoid.HIGHEST, 5.8);
  put(Entry.GELU_SLOPE + Sigmoid.LOWEST, -5.8);
  put(Entry.GELU_SLOPE + Sigmoid.P0, 0.7978853583335876);
  put(Entry.GELU_SLOPE + Sigmoid.P1, -0.03099595196545124);
  put(Entry.GELU_SLOPE + Sigmoid.P2, 0.014230316504836082);
  put(Entry.GELU_SLOPE + Sigmoid.P3, 1.9218536181142554e-5);
  put(Entry.GELU_SLOPE + Sigmoid.P4, 3.595603629946709e-5);
  put(Entry.GELU_SLOPE + Sigmoid.P5, 1.9293055686375737e-7);
  put(Entry.GELU_SLOPE + Sigmoid.Q1, 0.2944939136505127);
  put(Entry.GELU_SLOPE + Sigmoid.Q2, 0.04098018258810043);
  put(Entry.GELU_SLOPE + Sigmoid.Q3, 0.0035230331122875214);
  put(Entry.GELU_SLOPE + Sigmoid.Q4, 0.00019203603733330965);
  put(Entry.GELU_SLOPE + Sigmoid.Q5, 8.952461939770728e-6);
}
