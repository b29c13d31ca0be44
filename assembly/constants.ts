// The polynomial constants of math.ts as a table in linear memory. V8 builds a v128 constant anew at every use, inside
// loops too; a value loaded from memory before the loop stays in a register. The host writes the table once at start by
// calling constants_table, so the module needs no data segment. The first page of memory is reserved for it.

/** Byte address of the table: entry i is a v128 at TABLE + 16·i. */
// @ts-ignore: decorator
@inline
export const TABLE: usize = 1024;

// Entry numbers. Each is an f32 repeated over the four lanes.
// @ts-ignore: decorator
@inline
export const ENTRIES: i32 = 40;

// @ts-ignore: decorator
@inline
function put(entry: i32, value: f32): void {
  v128.store(TABLE + (<usize>entry << 4), f32x4.splat(value));
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
 * writes    TABLE … TABLE + 16·ENTRIES
 * requires  n = 1
 * splits    not at all
 * error     none
 */
export function constants_table(n: i32, begin: i32, end: i32): void {
  // exp: see math.ts
  put(0, 1.4426950408889634);
}
