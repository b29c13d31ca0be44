/** Kinds of events, as a viewer lists them. */
const CATEGORIES = ["phase", "kernel"] as const;

export type TraceCategory = (typeof CATEGORIES)[number];

/** An event with a beginning and a length, in microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly cat: TraceCategory;
  readonly ph: "X";
  readonly ts: number;
  readonly dur: number;
  readonly pid: number;
  readonly tid: number;
}

/** What chrome://tracing and Perfetto open ("Trace Event Format", JSON object form). */
export interface ChromeTrace {
  readonly displayTimeUnit: "ms";
  readonly traceEvents: readonly TraceEvent[];
}

/** The latest events of a run, a bounded number of them: later ones overwrite the oldest. */
export class Trace {
  private readonly names: string[] = [];
  private readonly name: Int32Array;
  private readonly category: Uint8Array;
  private readonly startMs: Float64Array;
  private readonly endMs: Float64Array;
  private count = 0;

  constructor(capacity: number) {
    this.name = new Int32Array(capacity);
    this.category = new Uint8Array(capacity);
    this.startMs = new Float64Array(capacity);
    this.endMs = new Float64Array(capacity);
  }

  /** A number for a name, to be made once for many events. */
  nameId(name: string): number {
    const known = this.names.indexOf(name);
    return known >= 0 ? known : this.names.push(name) - 1;
  }

  /** Notes an event that has ended. */
  add(category: TraceCategory, nameId: number, startMs: number, endMs: number): void {
    const at = this.count++ % this.name.length;
    this.name[at] = nameId;
    this.category[at] = CATEGORIES.indexOf(category);
    this.startMs[at] = startMs;
    this.endMs[at] = endMs;
  }

  /** The events in order of their beginning, an outer one before those inside it; time 0 is `originMs`. */
  toChrome(originMs: number): ChromeTrace {
    const { name, category, startMs, endMs } = this;
    const kept = Array.from({ length: Math.min(this.count, name.length) }, (_, i) => i);
    kept.sort((a, b) => startMs[a] - startMs[b] || endMs[b] - endMs[a]);
    const microseconds = (ms: number) => Math.round(1e6 * ms) / 1e3;
    const traceEvents = kept.map(
      (i): TraceEvent => ({
        name: this.names[name[i]],
        cat: CATEGORIES[category[i]],
        ph: "X",
        ts: microseconds(startMs[i] - originMs),
        dur: microseconds(endMs[i] - startMs[i]),
        pid: 1,
        tid: 1,
      }),
    );
    return { displayTimeUnit: "ms", traceEvents };
  }
}
