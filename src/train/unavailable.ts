import { ConfigError } from "../errors.js";
import type { Config } from "../poa/config-keys.js";

/** Settings that are part of the configuration but that this version can only leave at these values. */
const fixed: readonly [path: string, value: (config: Config) => unknown, only: unknown][] = [
  ["evaluation.knn", ({ evaluation }) => evaluation.knn, null],
  ["evaluation.every_minutes", ({ evaluation }) => evaluation.every_minutes, null],
];

/** @throws ConfigError naming every setting that this version does not act on */
export function refuseUnavailable(config: Config): void {
  const problems = fixed
    .filter(([, value, only]) => value(config) !== only)
    .map(
      ([path, value, only]) =>
        `${path} is ${JSON.stringify(value(config))}; this version has only ${JSON.stringify(only)}.`,
    );
  if (config.train.cache === "disk") problems.push('train.cache is "disk"; this version has "none" and "memory".');
  if (problems.length > 0) throw new ConfigError(problems.join("\n"));
}
