import { ConfigError } from "../errors.js";

/** Something that is wrong with a config. */
export interface ConfigProblem {
  /** "optim.lr", "crops.mean[1]". */
  readonly path: string;
  /** The same as keys; empty for the config as a whole. */
  readonly keys: readonly (string | number)[];
  /** A full sentence that names the path. */
  readonly message: string;
  readonly expected?: string;
  readonly got?: string;
  /** The key that was probably meant. */
  readonly nearest?: string;
  /** Where the setting comes from. */
  readonly source: SettingSource;
  /** Where it stands, for a setting that was read from a file; line and column count from 1. */
  readonly location?: { readonly file: string; readonly line: number; readonly column: number };
}

/** Where the value of a setting comes from. */
export type SettingSource = "preset" | "config" | "override" | "default";

/** A config that cannot be used, with everything that is wrong with it. */
export class InvalidConfigError extends ConfigError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], lines: readonly string[] = problems.map(({ message }) => message)) {
    super(problems.length === 1 ? lines[0] : `${problems.length} problems in the config:\n${lines.join("\n")}`);
    this.problems = problems;
  }
}
