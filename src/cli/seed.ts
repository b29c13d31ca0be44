import type { Call } from "./command.js";

/** `--seed N` as the setting it stands for. */
export function seedOverride(call: Call): string[] {
  const seed = call.integer("seed");
  return seed === undefined ? [] : [`train.seed=${seed}`];
}
