import { ConfigError } from "../../errors.js";
import type { ForeignLibrary } from "./foreign.js";

const types = { int: "int", pointer: "void *", buffer: "void *" } as const;

/**
 * Opens a library by koffi, an optional package.
 *
 * @returns null if there is no library of this name
 * @throws ConfigError if the package is not installed
 */
export async function openByKoffi(name: string): Promise<ForeignLibrary | null> {
  const { load } = await koffi();
  let library: ReturnType<typeof load>;
  try {
    library = load(name, { global: true }); // its plug-ins look for its symbols
  } catch {
    return null;
  }
  return {
    func: (symbol, parameters) =>
      library.func(
        symbol,
        "int",
        parameters.map((parameter) => types[parameter]),
      ),
    address: (symbol) => library.symbol(symbol),
  };
}

async function koffi(): Promise<typeof import("koffi")> {
  try {
    return await import("koffi");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new ConfigError("mpi: Node calls Open MPI by the package koffi. Install it: npm install koffi@3.3.4.", {
      cause: error,
    });
  }
}
