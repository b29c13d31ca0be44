import { ConfigError } from "../errors.js";
import type { Config } from "../poa/config-keys.js";

/** @throws ConfigError naming what is part of the configuration but this version does not act on */
export function refuseUnavailable({ train }: Config): void {
  if (train.cache === "disk") throw new ConfigError('train.cache is "disk"; this version has "none" and "memory".');
}
