// Loaded with --import: every op that src/ops.ts exports is noted where tests call it (recorder.ts).
import { readFileSync } from "node:fs";
import { type LoadHook, register } from "node:module";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";

const recorder = new URL("./recorder.js", import.meta.url).href;
const opsFolder = new URL("../../src/ops/", import.meta.url).href;
const exported = readFileSync(fileURLToPath(new URL("../../src/ops.js", import.meta.url)), "utf8");
const publicOps = new Set(
  [...exported.matchAll(/export \{([^}]*)\}/g)].flatMap(([, names]) => names.match(/\w+/g) ?? []),
);

/** Puts a module that passes on watched ops in front of each module of ops. */
export const load: LoadHook = (url, context, nextLoad) => {
  if (!url.startsWith(opsFolder) || url.includes("?")) return nextLoad(url, context);
  const functions = [...readFileSync(fileURLToPath(url), "utf8").matchAll(/^export function (\w+)/gm)];
  const watched = functions.map(([, name]) => name).filter((name) => publicOps.has(name));
  const source = [
    `import { watchedOp } from "${recorder}";`,
    `import * as ops from "${url}?unwatched";`,
    `export * from "${url}?unwatched";`,
    ...watched.map((name) => `export const ${name} = watchedOp("${name}", ops.${name});`),
  ].join("\n");
  return { format: "module", shortCircuit: true, source };
};

if (isMainThread) register(import.meta.url);
