import * as assert from "uvu/assert";
import { type ResolveOptions, resolveConfig } from "../../src/poa/config.js";
import { type ConfigProblem, InvalidConfigError } from "../../src/poa/config-problem.js";

/** What is wrong with a config; an empty list if nothing is. */
export function problemsOf(input: unknown, options?: ResolveOptions): readonly ConfigProblem[] {
  try {
    resolveConfig(input, options);
  } catch (error) {
    if (error instanceof InvalidConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** The one thing that is wrong with a config. */
export function problemOf(input: unknown, options?: ResolveOptions): ConfigProblem {
  const problems = problemsOf(input, options);
  assert.is(problems.length, 1, problems.map(({ message }) => message).join("\n") || "no problem found");
  return problems[0];
}
