import type { Chart, ChartNumber, ChartSeries } from "./chart.js";
import type { Columns } from "./columns.js";

/** Points of a curve at most; a longer one is divided into so many parts of equal length. */
const MOST_POINTS = 240;
/** Of a number in the page: more than an eye can tell, and the page stays small. */
const DIGITS = 6;

/** A chart of some columns and how its series are called. */
export interface CurveOptions extends Pick<Chart, "id" | "title" | "caption"> {
  /** Label of a series by its key. */
  readonly series: ReadonlyMap<string, string>;
}

/**
 * Curves over iterations. Of a long run each point is the mean of some rows, beside the least and greatest of them, so that no
 * spike is lost and the page does not grow with the run.
 */
export function curves(columns: Columns, { id, title, caption, series }: CurveOptions): Chart {
  const rows = Math.ceil(columns.length / MOST_POINTS);
  const starts = Array.from({ length: Math.ceil(columns.length / Math.max(1, rows)) }, (_, i) => i * rows);
  const middle = (start: number) => {
    const end = Math.min(start + rows, columns.length) - 1;
    return (columns.iterations[start] + columns.iterations[end]) / 2;
  };
  return {
    ...{ id, title, caption },
    xLabel: "iteration",
    x: starts.map(middle),
    series: [...series].map(([key, label]) => seriesOf(label, columns.values(key), { starts, rows })),
  };
}

function seriesOf(
  label: string,
  column: readonly number[],
  { starts, rows }: { starts: readonly number[]; rows: number },
): ChartSeries {
  const parts = starts.map((start) => summary(column, start, Math.min(start + rows, column.length)));
  const values = parts.map(({ mean }) => mean);
  if (rows <= 1) return { label, values };
  return { label, values, range: { low: parts.map(({ low }) => low), high: parts.map(({ high }) => high) } };
}

/** Of the finite numbers in a part of a column; all null if there are none. */
function summary(
  column: readonly number[],
  begin: number,
  end: number,
): { mean: ChartNumber; low: ChartNumber; high: ChartNumber } {
  let [sum, count, low, high] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = begin; i < end; i++) {
    const value = column[i];
    if (!Number.isFinite(value)) continue;
    sum += value;
    count++;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (count === 0) return { mean: null, low: null, high: null };
  return { mean: shortened(sum / count), low: shortened(low), high: shortened(high) };
}

/** A number with few digits. */
export function shortened(value: number): number {
  return Number(value.toPrecision(DIGITS));
}
