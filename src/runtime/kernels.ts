import { instantiateSync } from "@assemblyscript/loader";
import { type Kernels, signatures, simd } from "./generated/kernels.js";

export type { Kernels } from "./generated/kernels.js";
export { signatures } from "./generated/kernels.js";

export type KernelName = keyof Kernels;

/** A compiled kernel: all declared parameters, scratch and range included. */
export type RawKernel = (...args: number[]) => void;

/** The bytes of the inlined SIMD module. */
export function inlinedModule(): Uint8Array {
  const text = atob(simd);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * Instantiates the kernels on a memory and writes their constants table.
 *
 * @param memory  the linear memory that all pointers refer to
 * @param wasm  a module to use in place of the inlined one
 * @returns every exported kernel by name
 */
export function instantiateKernels(
  memory: WebAssembly.Memory,
  wasm: Uint8Array | WebAssembly.Module = inlinedModule(),
): Record<KernelName, RawKernel> {
  const { exports } = instantiateSync<Record<KernelName, RawKernel>>(wasm as Uint8Array<ArrayBuffer>, {
    env: { memory },
  });
  const missing = (Object.keys(signatures) as KernelName[]).filter((name) => typeof exports[name] !== "function");
  if (missing.length > 0)
    throw new TypeError(`init: the given wasm module lacks ${missing.join(", ")}. Build it from the same version.`);
  exports.constants_table(1, 0, 1);
  return exports;
}
