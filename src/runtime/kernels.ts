import { instantiateSync } from "@assemblyscript/loader";
import { ConfigError } from "../errors.js";
import { detectFeatures } from "./features.js";
import { type Kernels, signatures, simd } from "./generated/kernels.js";
import { isShared } from "./memory.js";
import { withMemoryImport } from "./memory-import.js";

export type { Kernels } from "./generated/kernels.js";
export { signatures } from "./generated/kernels.js";

export type KernelName = keyof Kernels;

/** A compiled kernel: all declared parameters, scratch and range included. */
export type RawKernel = (...args: number[]) => void;

/** Which build of the kernels: bit-equal on every host, or with multiply-adds that the host rounds as it likes. */
export type SimdBuild = "plain" | "relaxed";

/** The bytes of the inlined SIMD module. */
export function inlinedModule(): Uint8Array {
  return decode(simd);
}

/**
 * The bytes of the relaxed module, which stand in a file of their own.
 *
 * @throws ConfigError if the host lacks relaxed SIMD, or the file is not there
 */
export async function relaxedModule(): Promise<Uint8Array> {
  if (!detectFeatures().relaxed) throw new ConfigError(`init: simd is "relaxed"; ${lacksRelaxed()}`);
  return decode(await relaxedText());
}

async function relaxedText(): Promise<string> {
  try {
    return (await import("./generated/kernels-relaxed.js")).relaxed;
  } catch (cause) {
    throw new ConfigError(
      `init: the relaxed kernels cannot be loaded (${(cause as Error).message}). Serve or install all files of poa, or ` +
        'leave simd at "plain".',
      { cause },
    );
  }
}

function lacksRelaxed(): string {
  const host = globalThis.process?.versions?.node ? `Node ${process.versions.node}` : "this browser";
  return (
    `${host} has no relaxed SIMD. Use Node 22 or newer, run Node 20 with --experimental-wasm-relaxed-simd, ` +
    'or leave simd at "plain".'
  );
}

/** Bytes of their hexadecimal digits, in lower case. */
function decode(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = (digit(digits.charCodeAt(2 * i)) << 4) | digit(digits.charCodeAt(2 * i + 1));
  return bytes;
}

/** Of a digit by its character code: 0 to 9 from 48 on, a to f from 97 on. */
const digit = (code: number) => (code & 15) + 9 * (code >> 6);

/**
 * Compiles a module for a memory that threads can share, or for one that they cannot.
 *
 * @param wasm  bytes in place of the inlined ones, or a module that has been compiled for the right kind of memory
 * @throws ConfigError if it does not compile
 */
export function compileKernels(wasm: Uint8Array | WebAssembly.Module = inlinedModule(), shared = false) {
  if (wasm instanceof WebAssembly.Module) return wasm;
  return usable(() => new WebAssembly.Module(withMemoryImport(wasm, shared) as Uint8Array<ArrayBuffer>));
}

/**
 * Instantiates the kernels on a memory and writes their constants table.
 *
 * @param memory  the linear memory that all pointers refer to
 * @param wasm  a module to use in place of the inlined one
 * @returns every exported kernel by name
 * @throws ConfigError if the module does not compile or is not one of this version
 */
export function instantiateKernels(
  memory: WebAssembly.Memory,
  wasm?: Uint8Array | WebAssembly.Module,
): Record<KernelName, RawKernel> {
  const module = compileKernels(wasm, isShared(memory));
  // The loader's own `exports` wrap each function in one that spreads its arguments, which costs more than a small kernel.
  const { instance } = usable(() => instantiateSync(module, { env: { memory } }));
  const exports = instance.exports as Record<KernelName, RawKernel>;
  const missing = (Object.keys(signatures) as KernelName[]).filter((name) => typeof exports[name] !== "function");
  if (missing.length > 0) {
    const more = missing.length > 3 ? ` and ${missing.length - 3} more` : "";
    const names = missing.slice(0, 3).join(", ");
    throw new ConfigError(`init: the wasm module lacks ${names}${more}. Build it from this version's sources.`);
  }
  exports.constants_table(1, 0, 1);
  return exports;
}

function usable<T>(use: () => T): T {
  try {
    return use();
  } catch (cause) {
    const reason = `the wasm module cannot be used (${(cause as Error).message})`;
    throw new ConfigError(`init: ${reason}. Build it from this version's sources.`, { cause });
  }
}
