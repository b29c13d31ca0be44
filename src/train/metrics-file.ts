import { existsSync, readFileSync } from "node:fs";
import { appendLine, replaceFile } from "./durable-write.js";

/** Lines of JSON, each with the number of its iteration. */
export class MetricsFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Adds one line. @throws ResourceError if the disk is full */
  append(metrics: Readonly<Record<string, unknown>>): void {
    appendLine(this.path, JSON.stringify(metrics));
  }

  /** The last line, or null if there is none that is whole. */
  last(): unknown {
    if (!existsSync(this.path)) return null;
    const line = readFileSync(this.path, "utf8").trimEnd().split("\n").at(-1) ?? "";
    return Number.isFinite(iterationOf(line)) ? JSON.parse(line) : null;
  }

  /** The last lines that are whole, at most `count`. */
  tail(count: number): Record<string, unknown>[] {
    if (!existsSync(this.path)) return [];
    const lines = readFileSync(this.path, "utf8").split("\n");
    return lines
      .filter((line) => Number.isFinite(iterationOf(line)))
      .slice(-count)
      .map((line) => JSON.parse(line));
  }

  /** Drops the lines of iterations that will be done again, and a line that was cut off. */
  truncate(iteration: number): void {
    if (!existsSync(this.path)) return;
    const text = readFileSync(this.path, "utf8");
    const kept = text
      .split("\n")
      .filter((line) => iterationOf(line) < iteration)
      .map((line) => `${line}\n`)
      .join("");
    if (kept !== text) replaceFile(this.path, kept);
  }
}

/** Infinity for what is no line of metrics. */
function iterationOf(line: string): number {
  try {
    const { iteration } = (JSON.parse(line) ?? {}) as { iteration?: unknown };
    return typeof iteration === "number" ? iteration : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
