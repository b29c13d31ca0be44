import type { ForeignLibrary } from "./foreign.js";

/** The part of Deno that opens libraries. */
export interface DenoForeign {
  dlopen(name: string, symbols: Readonly<Record<string, object>>): { readonly symbols: Record<string, unknown> };
}

const types = { int: "i32", pointer: "pointer", buffer: "buffer" } as const;

/** Opens a library by Deno itself, which asks for --allow-ffi. @returns null if there is no library of this name */
export function openByDeno(deno: DenoForeign, name: string): ForeignLibrary | null {
  const symbol = (symbolName: string, kind: object) =>
    deno.dlopen(name, { [symbolName]: kind }).symbols[symbolName] as unknown;
  try {
    deno.dlopen(name, {});
  } catch (error) {
    if ((error as Error).name === "NotCapable") throw error;
    return null;
  }
  return {
    func: (symbolName, parameters) =>
      symbol(symbolName, { parameters: parameters.map((parameter) => types[parameter]), result: "i32" }) as (
        ...args: readonly unknown[]
      ) => number,
    address: (symbolName) => symbol(symbolName, { type: "pointer" }),
  };
}
