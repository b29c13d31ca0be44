import { ConfigError } from "../errors.js";
import type { Kernels } from "./kernels.js";

const uninitialised = new Proxy({} as Kernels, {
  get(_, name) {
    throw new ConfigError(`${String(name)}: the runtime is not running. Call \`await init()\` first.`);
  },
});

/**
 * The single door to the kernels. Every call of every layer above goes through this object, so that splitting over threads
 * and recording have one place to stand.
 */
export let kernels: Kernels = uninitialised;

/** Puts kernels behind the door, or closes it. Only the runtime calls this. */
export function setKernels(bound: Kernels | null): void {
  kernels = bound ?? uninitialised;
}
