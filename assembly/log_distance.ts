import { expect_aligned, expect_beta, expect_indices, expect_range, expect_rows } from "./contract";
import { horizontal_sum } from "./lanes";
import { log_f64 } from "./math_f64";
import { row_at } from "./rows";

/**
 * distance[r] = ‖z[r] − z[neighbour[r]] + ε‖₂,   y[r] = −log(distance[r] + ε); ε is added to each component
 *
 * reads     z  f32[rows, cols], row stride ldz; neighbour  i32[rows]
 * writes    distance, y  f32[rows]
 * requires  each neighbour names a row of z; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     at most cols / 4 + 8 roundings of the squared distance
 */
export function log_distance_f32(
  rows: i32, cols: i32, z: usize, ldz: i32, neighbour: usize, eps: f32, distance: usize, y: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(z | neighbour | distance | y);
  expect_rows(rows, cols, ldz);
  expect_indices(rows, neighbour, 0, rows);
  const shift = f32x4.splat(eps);
  for (let r = begin; r < end; r++) {
    const at = <usize>r << 2;
    let a = row_at(z, r, ldz);
    let b = row_at(z, load<i32>(neighbour + at), ldz);
    const stop = a + (<usize>cols << 2);
    let squares = f32x4.splat(0);
    for (; a + 16 <= stop; a += 16, b += 16) {
      const difference = f32x4.add(f32x4.sub(v128.load(a), v128.load(b)), shift);
      squares = f32x4.add(squares, f32x4.mul(difference, difference));
    }
    let sum = horizontal_sum(squares);
    for (; a < stop; a += 4, b += 4) {
      const difference = load<f32>(a) - load<f32>(b) + eps;
      sum += difference * difference;
    }
    const length = sqrt<f32>(sum);
    store<f32>(distance + at, length);
    store<f32>(y + at, <f32>(-log_f64(<f64>length + <f64>eps)));
  }
}

/**
 * dz = β·dz + gradient of Σ_r dy[r] · y[r]: with u = (z[r] − z[neighbour[r]] + ε) · (−dy[r]) / (distance[r] (distance[r] + ε)),
 * u is added to dz[r] and subtracted from dz[neighbour[r]], r ascending. A distance of 0 gives no gradient.
 *
 * reads     z  f32[rows, cols], row stride ldz; neighbour  i32[rows]; distance, dy  f32[rows]
 * writes    dz  f32[rows, cols], row stride ldz
 * requires  β is 0 or 1; each neighbour names a row of z; 0 ≤ begin ≤ end ≤ cols
 * splits    over cols, anywhere, so that rows with a common neighbour never meet across threads
 * error     four roundings per addend
 */
export function log_distance_grad_f32(
  cols: i32, rows: i32, z: usize, ldz: i32, neighbour: usize, eps: f32, distance: usize, dy: usize, beta: f32, dz: usize,
  begin: i32, end: i32,
): void {
  expect_range(cols, begin, end);
  expect_aligned(z | neighbour | distance | dy | dz);
  expect_rows(rows, cols, ldz);
  expect_indices(rows, neighbour, 0, rows);
  expect_beta(beta);
  const skip = <usize>begin << 2;
  const bytes = <usize>(end - begin) << 2;
  if (beta == 0) {
    for (let r = 0; r < rows; r++) memory.fill(row_at(dz, r, ldz) + skip, 0, bytes);
  }
  for (let r = 0; r < rows; r++) {
    const at = <usize>r << 2;
    const length = load<f32>(distance + at);
    if (length == 0) continue;
    const other = load<i32>(neighbour + at);
    const factor = -load<f32>(dy + at) / (length * (length + eps));
    let a = row_at(z, r, ldz) + skip;
    let b = row_at(z, other, ldz) + skip;
    let da = row_at(dz, r, ldz) + skip;
    let db = row_at(dz, other, ldz) + skip;
    for (const stop = a + bytes; a < stop; a += 4, b += 4, da += 4, db += 4) {
      const u = factor * (load<f32>(a) - load<f32>(b) + eps);
      store<f32>(da, load<f32>(da) + u);
      store<f32>(db, load<f32>(db) - u);
    }
  }
}
