import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../examples/markdown.js";

/** A module of scripts/, which is plain JavaScript: the caller says what it exports. */
export async function script<Exports>(name: string): Promise<Exports> {
  return (await import(pathToFileURL(join(root, "scripts", name)).href)) as Exports;
}
