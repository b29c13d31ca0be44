import { isShared } from "./memory.js";

/** What this host's WebAssembly can do. */
export interface HostFeatures {
  readonly simd: boolean;
  /** Relaxed SIMD: fused multiply-add whose rounding is left to the host. */
  readonly relaxed: boolean;
  /** Memory that threads can share. */
  readonly sharedMemory: boolean;
}

const I32X4_SPLAT_0 = [0x41, 0x00, 0xfd, 0x11];
const F32X4_RELAXED_MADD = [0xfd, 0x85, 0x02];

/** Magic and version: the smallest module. */
const EMPTY = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);

/** A module of one function that returns a v128, with the given body. */
function probe(body: readonly number[]): Uint8Array<ArrayBuffer> {
  const code = [0x00, ...body, 0x0b];
  return Uint8Array.of(
    ...EMPTY,
    ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b], //        type: () -> v128
    ...[0x03, 0x02, 0x01, 0x00], //                          function 0 has type 0
    ...[0x0a, code.length + 2, 0x01, code.length, ...code], // its code
  );
}

/** Looks at the host without compiling more than a few bytes. */
export function detectFeatures(): HostFeatures {
  return {
    simd: compiles(I32X4_SPLAT_0),
    relaxed: compiles([...I32X4_SPLAT_0, ...I32X4_SPLAT_0, ...I32X4_SPLAT_0, ...F32X4_RELAXED_MADD]),
    sharedMemory: canShare(),
  };
}

const exists = () => typeof WebAssembly !== "undefined";

const compiles = (body: readonly number[]) => exists() && WebAssembly.validate(probe(body));

/** Why no kernel can run here, with the way out, or null. */
export function wasmProblem(): string | null {
  if (!exists())
    return "this host has no WebAssembly. Start Node without --jitless, or switch off the lockdown mode of the browser.";
  try {
    new WebAssembly.Module(EMPTY);
  } catch (error) {
    return (
      `this page may not compile WebAssembly (${(error as Error).message}). ` +
      "Allow it in its Content-Security-Policy: script-src 'self' 'wasm-unsafe-eval'."
    );
  }
  if (compiles(I32X4_SPLAT_0)) return null;
  return (
    "the kernels need WebAssembly SIMD, which this host lacks. Use Node 20 or later, or a browser of 2023 or later, " +
    "on a processor with SSE4.1 or NEON."
  );
}

function canShare(): boolean {
  return sharingProblem() === null;
}

/** Why threads cannot share memory here, or null. */
export function sharingProblem(): string | null {
  if (typeof SharedArrayBuffer === "undefined")
    return "this host shares no memory; a page must be isolated: Cross-Origin-Opener-Policy: same-origin, Cross-Origin-Embedder-Policy: require-corp";
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return isShared(memory) ? null : "this host's WebAssembly shares no memory";
  } catch (error) {
    return `this host's WebAssembly shares no memory (${(error as Error).message})`;
  }
}
