import { element } from "./dom.js";

/** The column of times, with bars that compare them. */
export class LatencyView {
  private readonly cells: readonly HTMLElement[];
  /** Timings of each network, ascending. */
  private readonly timings = new Map<number, readonly number[]>();

  constructor() {
    this.cells = [...document.querySelectorAll<HTMLElement>("[data-network] .latency")];
  }

  has(network: number): boolean {
    return this.timings.has(network);
  }

  /** Takes further timings of a network into account. */
  add(network: number, more: readonly number[]): void {
    this.timings.set(
      network,
      [...(this.timings.get(network) ?? []), ...more].sort((a, b) => a - b),
    );
    const longest = Math.max(...[...this.timings.values()].map((sorted) => quantile(sorted, 0.5)));
    for (const [index, sorted] of this.timings) {
      const ms = quantile(sorted, 0.5);
      const bar = element("span", "bar");
      bar.style.width = `${(100 * ms) / longest}%`;
      this.cells[index].replaceChildren(element("span", "time", timeText(ms)), bar);
      this.cells[index].title =
        `median of ${sorted.length} timings; 95 % of them up to ${timeText(quantile(sorted, 0.95))}`;
    }
  }
}

/** The least value that such a share of ascending values does not exceed. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** Milliseconds with three digits. */
function timeText(ms: number): string {
  return `${ms >= 100 ? Math.round(ms) : ms.toPrecision(3)}\u202fms`;
}
