import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { diskError, replaceFile } from "./durable-write.js";
import type { StepReport } from "./trainer.js";

/** A run that goes wrong for good is told of often enough. */
const MOST_FILES = 100;
const STEP_DIGITS = 9;
const NAME = /^\d{9,}\.json$/;

/** What is known of the steps that were not finite: a small file for each, with its images and what was wrong. */
export class BadSteps {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Writes down a step. @returns the file; null if there are many already. @throws ResourceError if the disk is full */
  save(report: StepReport): string | null {
    if (this.names().length >= MOST_FILES) return null;
    const file = join(this.path, `${String(report.iteration).padStart(STEP_DIGITS, "0")}.json`);
    try {
      mkdirSync(this.path, { recursive: true });
    } catch (error) {
      throw diskError(this.path, error);
    }
    replaceFile(file, `${JSON.stringify(contentOf(report), spelledOut, 2)}\n`);
    return file;
  }

  /** Deletes what is known of this iteration and later ones. */
  truncate(iteration: number): void {
    const names = this.names();
    const later = names.filter((name) => Number.parseInt(name, 10) >= iteration);
    for (const name of later) rmSync(join(this.path, name), { force: true });
    if (later.length > 0 && readdirSync(this.path).length === 0) rmdirSync(this.path);
  }

  private names(): string[] {
    return existsSync(this.path) ? readdirSync(this.path).filter((name) => NAME.test(name)) : [];
  }
}

function contentOf({ iteration, culprits, loss, losses, gradientNorms, lr, networks, nonFinite }: StepReport) {
  return {
    iteration,
    images: culprits,
    loss,
    losses,
    gradientNorms,
    lr,
    networks: networks.map(({ name }) => name),
    tensors: nonFinite,
  };
}

/** JSON has no NaN and no Infinity. */
function spelledOut(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}
