import type { PeerName } from "./peers.js";
import type { Clock } from "./protocol.js";

/** What one column of a case gave. */
export interface ColumnResult {
  readonly column: string;
  readonly peer: PeerName;
  /** Work per second in the case's unit, one a round; null in rounds that it sat out. */
  readonly rates: readonly (number | null)[];
  /** Why there are no rates. */
  readonly absent?: string;
  readonly figures?: Readonly<Record<string, number>>;
}

export interface CaseResult {
  readonly name: string;
  readonly group: string;
  readonly columns: readonly ColumnResult[];
}

/** A whole run as it is saved. */
export interface Comparison {
  readonly machine: string;
  readonly date: string;
  readonly rounds: number;
  readonly clock: Clock;
  readonly pinned: boolean;
  /** What two spinning processes got done against one. */
  readonly idleCores: number;
  readonly versions: Readonly<Partial<Record<PeerName, Readonly<Record<string, string>>>>>;
  /** Peers that did not start, with the reason. */
  readonly absent: Readonly<Partial<Record<PeerName, string>>>;
  readonly cases: readonly CaseResult[];
}

/**
 * A kept run with some cases measured again: those of `again` take the places of their namesakes, others come last.
 *
 * @throws Error if the two ran on different machines or clocks, or beside other versions of a peer
 */
export function measuredAgain(kept: Comparison, again: Comparison): Comparison {
  for (const key of ["machine", "clock", "rounds"] as const) {
    if (kept[key] !== again[key])
      throw new Error(`bench: the kept run has ${key} ${kept[key]}, this one ${again[key]}; they cannot be joined.`);
  }
  for (const [peer, versions] of Object.entries(again.versions)) {
    const before = kept.versions[peer as PeerName];
    if (before && JSON.stringify(before) !== JSON.stringify(versions))
      throw new Error(`bench: ${peer} had other versions in the kept run; they cannot be joined.`);
  }
  const fresh = new Map(again.cases.map((result) => [result.name, result]));
  const known = new Set(kept.cases.map(({ name }) => name));
  const cases = [
    ...kept.cases.map((result) => fresh.get(result.name) ?? result),
    ...again.cases.filter(({ name }) => !known.has(name)),
  ];
  return { ...kept, date: again.date, idleCores: Math.min(kept.idleCores, again.idleCores), cases };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}

export function ratesOf({ rates }: ColumnResult): number[] {
  return rates.filter((rate) => rate !== null);
}

export function columnOf(result: CaseResult, column: string): ColumnResult | undefined {
  return result.columns.find((entry) => entry.column === column);
}

/** Median of the ratios of the rounds in which both took part, and how many those were; null if there was none. */
export function ratio(result: CaseResult, column: string, against: string): { value: number; rounds: number } | null {
  const [mine, other] = [columnOf(result, column)?.rates ?? [], columnOf(result, against)?.rates ?? []];
  const ratios = mine.flatMap((rate, i) => {
    const base = other[i];
    return rate === null || base === null || base === undefined ? [] : [rate / base];
  });
  return ratios.length > 0 ? { value: median(ratios), rounds: ratios.length } : null;
}

/** The fastest of some columns by its median. */
export function best(result: CaseResult, columns: readonly string[]): string | null {
  const measured = columns.flatMap((name) => {
    const column = columnOf(result, name);
    const rates = column ? ratesOf(column) : [];
    return rates.length > 0 ? [{ name, rate: median(rates) }] : [];
  });
  return measured.sort((a, b) => b.rate - a.rate)[0]?.name ?? null;
}
