/** A number of a chart; null is a gap. */
export type ChartNumber = number | null;

/** One line or set of points. */
export interface ChartSeries {
  readonly label: string;
  readonly values: readonly ChartNumber[];
  /** Least and greatest value that each of `values` stands for. */
  readonly range?: { readonly low: readonly ChartNumber[]; readonly high: readonly ChartNumber[] };
  /** Points without a line between them. */
  readonly points?: boolean;
}

/** What the page draws, as plain data: it travels as JSON. */
export interface Chart {
  /** Names it among the charts of a page, also after an update. */
  readonly id: string;
  readonly title: string;
  /** What is drawn, in words; also for readers who cannot see it. */
  readonly caption: string;
  readonly xLabel: string;
  /** Ascending. */
  readonly x: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly xScale?: "linear" | "log";
  /** What a point is called, beside its numbers. */
  readonly names?: readonly string[];
}
