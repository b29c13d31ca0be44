import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { ResourceError } from "../errors.js";

/**
 * Compiles the decoder that another package holds.
 *
 * @param file  PACKAGE/FILE
 * @throws ResourceError if the file is not there or is damaged, which is a fault of the installation and not of an image
 */
export function decoderModule(file: string): WebAssembly.Module {
  try {
    return new WebAssembly.Module(readFileSync(createRequire(import.meta.url).resolve(file)));
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw new ResourceError(
      `decode: the decoder ${file} cannot be loaded (${reason}). Install poa again, with its dependencies.`,
      { cause: error },
    );
  }
}
