import type { Config } from "./config-keys.js";

/**
 * A config as YAML text, complete and in the order of the settings' table. Reading it back gives the same config.
 * Scalars and lists are written as JSON, which YAML contains.
 */
export function configYaml(config: Config): string {
  const section = ([name, settings]: [string, object]) =>
    `${name}:\n${Object.entries(settings)
      .map(([key, value]) => `  ${key}: ${JSON.stringify(value)}\n`)
      .join("")}`;
  return Object.entries(config).map(section).join("");
}
