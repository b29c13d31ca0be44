import picocolors from "picocolors";

/** Without a terminal a progress line is printed this often. */
const QUIET_TERMINAL_MS = 5_000;
const TERMINAL_MS = 100;

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** stdout carries the result, stderr progress and warnings. */
export class Output {
  private machine: boolean;
  private quiet: boolean;
  /** Stands before what is told all the same. */
  private prefix = "";
  private readonly terminal = process.stderr.isTTY === true;
  private readonly colors = picocolors.createColors(process.stderr.isTTY === true && !process.env.NO_COLOR);
  private lastProgress = Number.NEGATIVE_INFINITY;
  private lineOpen = false;

  constructor({ json, quiet }: OutputOptions) {
    this.machine = json;
    this.quiet = quiet;
  }

  /** Whether stdout is for machines. */
  get json(): boolean {
    return this.machine;
  }

  /** Whether nobody would see notes or events. */
  get silent(): boolean {
    return this.quiet && !this.json;
  }

  /** From now on rank 0 speaks for this process too: only warnings and errors are told, with the number of the rank. */
  followRank(rank: number): void {
    [this.machine, this.quiet, this.prefix] = [false, true, `rank ${rank}: `];
  }

  /** A line of text for people; nothing with --json. */
  print(text: string): void {
    if (this.json) return;
    this.endLine();
    process.stdout.write(`${text}\n`);
  }

  /** An event for machines; nothing without --json. */
  event(event: string, fields: Readonly<Record<string, unknown>>): void {
    if (!this.json) return;
    this.endLine();
    process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
  }

  /** The closing result: JSON for machines, `text` for people. */
  result(fields: Readonly<Record<string, unknown>>, text: string): void {
    this.event("result", fields);
    this.print(text);
  }

  note(message: string): void {
    if (this.quiet) return;
    this.endLine();
    process.stderr.write(`${this.colors.dim(message)}\n`);
  }

  warn(message: string): void {
    this.endLine();
    process.stderr.write(`${this.colors.yellow("warning:")} ${this.prefix}${message}\n`);
    this.event("warning", { message });
  }

  error(message: string): void {
    this.endLine();
    process.stderr.write(`${this.colors.red("error:")} ${this.prefix}${message}\n`);
  }

  /** A line that replaces the one before on a terminal; elsewhere one line every few seconds. `final` is always shown. */
  progress(line: () => string, { final = false } = {}): void {
    if (this.quiet) return;
    const now = performance.now();
    if (!final && now - this.lastProgress < (this.terminal ? TERMINAL_MS : QUIET_TERMINAL_MS)) return;
    this.lastProgress = now;
    if (!this.terminal) {
      process.stderr.write(`${line()}\n`);
      return;
    }
    // A line that wraps could not be replaced.
    process.stderr.write(`\r\x1b[K${line().slice(0, (process.stderr.columns || 80) - 1)}`);
    this.lineOpen = true;
    if (final) this.endLine();
  }

  private endLine(): void {
    if (!this.lineOpen) return;
    process.stderr.write("\n");
    this.lineOpen = false;
  }
}

/** 75 → "1:15", 3700 → "1:01:40". */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * How long what has begun will still take if it goes on as before: "1:15 left".
 *
 * @param start  when it began, of performance.now()
 * @param share  how much of it is done, above 0
 */
export function timeLeft(start: number, share: number): string {
  return `${formatDuration(((performance.now() - start) / 1000) * (1 / share - 1))} left`;
}

/** Rows as columns of equal width, the first left-aligned, the others right-aligned. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
