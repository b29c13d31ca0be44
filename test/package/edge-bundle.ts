import { build, type Metafile } from "esbuild";
import { root } from "../examples/markdown.js";

/** What a bundler makes of a program. */
export interface Bundle {
  /** Contents by name; `main.js` is what a page names, the others are loaded when they are asked for. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Files of which something is left, relative to the repository. */
  readonly inputs: readonly string[];
}

/**
 * Bundles a program for browsers.
 *
 * @param program  a module that imports entries of this package by their names
 * @param options.splitting  whether what is imported on demand stays in files of its own
 */
export async function bundled(program: string, { splitting = false } = {}): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: program, resolveDir: root, sourcefile: "main.js" },
    entryNames: "main",
    outdir: "bundle",
    absWorkingDir: root,
    bundle: true,
    minify: true,
    splitting,
    format: "esm",
    platform: "browser",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const files = outputFiles.map(({ path, contents }) => [path.split("/").at(-1)!, contents] as const);
  return { files: new Map(files), inputs: usedInputs(metafile) };
}

function usedInputs({ outputs }: Metafile): string[] {
  const used = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path.replace(/^.*node_modules\//, "node_modules/")),
  );
  return [...new Set(used)];
}
