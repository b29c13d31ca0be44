/** Rows of whole numbers from −127 to 127, and what one step of each row is worth. */
export interface Int8Rows {
  readonly data: Int8Array;
  readonly scales: Float32Array;
}

const LARGEST = 127;

/**
 * Rounds a matrix row by row: each is divided by max |row| / 127 and rounded to even, so that 0 stays 0. The arithmetic is
 * that of the kernel which packs weights (assembly/gemm_i8.ts), which finds the same whole numbers in what comes back.
 *
 * @param values  [rows, ...], row-major
 */
export function roundRows(values: Float32Array, rows: number): Int8Rows {
  const width = values.length / rows;
  const data = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    let largest = 0;
    for (let i = r * width; i < (r + 1) * width; i++) largest = Math.max(largest, Math.abs(values[i]));
    scales[r] = largest / LARGEST;
    const factor = scales[r] === 0 ? 0 : Math.fround(1 / scales[r]);
    for (let i = r * width; i < (r + 1) * width; i++) data[i] = roundToEven(Math.fround(values[i] * factor));
  }
  return { data, scales };
}

/** The numbers that rounded rows stand for. */
export function valuesOf({ data, scales }: Int8Rows): Float32Array {
  const width = data.length / scales.length;
  return Float32Array.from(data, (value, i) => value * scales[Math.floor(i / width)]);
}

function roundToEven(x: number): number {
  const down = Math.floor(x);
  const above = x - down;
  return above < 0.5 || (above === 0.5 && down % 2 === 0) ? down : down + 1;
}
