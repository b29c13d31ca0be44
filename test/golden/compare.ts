import type { GoldenTensor, Tolerance } from "./case.js";

/** The worst |a − b| / (atol + rtol·|b|) over everything compared; 1 is the limit. */
export class Comparison {
  maxError = 0;
  /** Where the worst entry stands. */
  worst = "";

  /** Entries against expected ones; `where` keeps only some of them. */
  close(
    what: string,
    actual: ArrayLike<number>,
    expected: GoldenTensor,
    tolerance: Tolerance,
    where?: (i: number) => boolean,
  ): void {
    const { data } = expected;
    if (actual.length !== data.length) {
      this.fail(what, `${actual.length} entries, expected ${data.length}`);
      return;
    }
    const { rtol = 0, atol_rel_to_tensor_max: relative } = tolerance;
    const atol = tolerance.atol ?? (relative ?? 0) * data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    for (let i = 0; i < data.length; i++) {
      if (where && !where(i)) continue;
      const difference = Math.abs(actual[i] - data[i]);
      this.note(
        difference === 0 ? 0 : difference / (atol + rtol * Math.abs(data[i])),
        `${what}[${i}]: ${actual[i]} against ${data[i]}`,
      );
    }
  }

  /** A single number. */
  number(what: string, actual: number, expected: number, tolerance: Tolerance): void {
    this.close(what, [actual], { shape: [1], data: Float64Array.of(expected) }, tolerance);
  }

  /** All entries zero. */
  zero(what: string, actual: ArrayLike<number>): void {
    if (Array.prototype.some.call(actual, (value: number) => value !== 0)) this.fail(what, "expected zeros");
  }

  fail(what: string, reason: string): void {
    this.note(Number.POSITIVE_INFINITY, `${what}: ${reason}`);
  }

  private note(error: number, where: string): void {
    if (error > this.maxError || Number.isNaN(error)) {
      this.maxError = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
      this.worst = where;
    }
  }
}

/** Counts differing entries: for integers, lists and masks. The limit is 0. */
export class ExactComparison {
  maxError = 0;
  worst = "";

  equal(what: string, actual: unknown, expected: unknown): void {
    const [a, b] = [flatten(actual), flatten(expected)];
    const differing =
      Math.abs(a.length - b.length) + b.filter((value, i) => i < a.length && !Object.is(a[i], value)).length;
    if (differing > 0 && this.maxError === 0) {
      const at = b.findIndex((value, i) => !Object.is(a[i], value));
      this.worst = `${what}[${at}]: ${a[at]} against ${b[at]}`;
    }
    this.maxError += differing;
  }
}

function flatten(value: unknown): unknown[] {
  if (ArrayBuffer.isView(value)) return [...(value as Float64Array)].map(Number);
  if (Array.isArray(value)) return value.flatMap(flatten);
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([key, entry]) => [key, ...flatten(entry)]);
  return [value];
}
