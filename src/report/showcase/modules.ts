import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { FormatError } from "../../errors.js";

/** The compiled library, and the folder above it, which has the licence. */
const LIBRARY = fileURLToPath(new URL("../../", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../../../../", import.meta.url));

/** The one package that the library needs in a page. */
const LOADER = "@assemblyscript/loader";
const LOADER_FILE = "packages/assemblyscript-loader.js";

/** Imports of values as the compiler writes them; what is imported on demand only is not followed. */
const IMPORT = /^(?:import|export)\s[^;"]*?from "([^"]+)";|^import "([^"]+)";/gm;

/**
 * Copies modules of the library, and all that they import, to where a page can load them one by one. Browsers know packages by
 * no name, so the import of the loader is written as a relative one.
 *
 * @param folder  is made if it is not there
 * @param entries  paths below dist/src
 * @returns the paths of what was copied, relative to `folder`
 * @throws FormatError if a module imports what a page cannot load
 */
export function copyModules(folder: string, entries: readonly string[]): string[] {
  const pending = [...entries];
  const copied = new Set<string>();
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (copied.has(path)) continue;
    copied.add(path);
    const here = posix.dirname(path);
    const text = textOf(path).replaceAll(IMPORT, (statement, from?: string, bare?: string) => {
      const target = from ?? bare ?? "";
      const resolved = resolve(path, target);
      pending.push(resolved);
      return statement.replace(`"${target}"`, `"${relativeAddress(here, resolved)}"`);
    });
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  for (const name of ["LICENSE", "NOTICE"]) copyFileSync(join(PACKAGE, name), join(folder, name));
  return [...copied, "LICENSE", "NOTICE"];
}

/** Where a module's import lies below the folder. */
function resolve(path: string, target: string): string {
  if (target === LOADER) return LOADER_FILE;
  if (/^\.\.?\//.test(target)) return posix.join(posix.dirname(path), target);
  throw new FormatError(`showcase: ${path} imports ${target}, which no page can load.`);
}

function textOf(path: string): string {
  const file = path === LOADER_FILE ? loaderFile() : join(LIBRARY, path);
  return readFileSync(file, "utf8");
}

/** The loader as a module, which lies above the form of it that `require` takes. */
function loaderFile(): string {
  return join(dirname(createRequire(import.meta.url).resolve(LOADER)), "..", "index.js");
}

function relativeAddress(from: string, to: string): string {
  const path = posix.relative(from, to);
  return path.startsWith(".") ? path : `./${path}`;
}
