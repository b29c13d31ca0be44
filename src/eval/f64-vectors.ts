/** Σ a[i]·b[i] over the first `length` entries, by four partial sums. */
export function dot(a: Float64Array, b: Float64Array, length = a.length): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (; i < length; i++) s0 += a[i] * b[i];
  return s0 + s1 + (s2 + s3);
}

/** a[i] += factor·b[i] for the first `length` entries. */
export function addScaled(a: Float64Array, factor: number, b: Float64Array, length = a.length): void {
  for (let i = 0; i < length; i++) a[i] += factor * b[i];
}
