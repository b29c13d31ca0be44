import * as assert from "uvu/assert";

/** Asserts that numbers agree: |actual − expected| ≤ tolerance · max(1, |expected|), entry by entry. */
export function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what = "entry"): void {
  assert.is(actual.length, expected.length, `${what}: the lengths differ`);
  for (let i = 0; i < expected.length; i++) {
    const allowed = tolerance * Math.max(1, Math.abs(expected[i]));
    assert.ok(Math.abs(actual[i] - expected[i]) <= allowed, `${what} ${i}: ${actual[i]}, expected ${expected[i]}`);
  }
}
