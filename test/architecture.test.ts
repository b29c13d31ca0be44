import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { inlinedModule, signatures } from "../src/runtime/kernels.js";
import { test } from "./support/test.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A file may import from its own layer and from lower ones. */
const layers: Record<string, number> = {
  runtime: 1,
  tensor: 2,
  formats: 2,
  autograd: 3,
  ops: 3,
  nn: 4,
  elastic: 4,
  optim: 5,
  data: 6,
  models: 7,
  poa: 8,
  edge: 8,
  train: 9,
  eval: 10,
  export: 11,
  report: 12,
  cli: 13,
};

/** Which folders may call kernels, and which may touch files or workers. */
const callsKernels = new Set(["runtime", "tensor", "autograd", "ops", "optim"]);
const callsKernelsFiles = new Set(["src/data/augment.ts", "src/data/eval-transform.ts"]);
const touchesFiles = new Set(["data", "train", "export", "report", "cli"]);

/** Longer than 400 lines, with the reason. */
const longFiles: Record<string, string> = {};

function sources(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = `${folder}/${name}`;
    if (name === "generated" || name === "node_modules") return [];
    return statSync(join(root, path)).isDirectory() ? sources(path) : path.endsWith(".ts") ? [path] : [];
  });
}

function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, target]) => target);
}

/** What is left after compilation: imports that are not of types alone. */
function valueImportsOf(path: string): string[] {
  const text = readFileSync(join(root, path), "utf8");
  const statements = [...text.matchAll(/^(?:import|export)\s+([^;]*?)\s+from\s+"([^"]+)";/gm)];
  const values = statements.filter(([, clause]) => {
    if (clause.startsWith("type ")) return false;
    const names = /^\{([\s\S]*)\}$/.exec(clause.trim())?.[1];
    return (
      names === undefined || names.split(",").some((name) => name.trim() !== "" && !name.trim().startsWith("type "))
    );
  });
  return values.map(([, , target]) => target).filter((target) => !target.includes("/generated/"));
}

function resolveImport(path: string, target: string): string {
  return relative(root, join(root, path, "..", target)).replace(/\.js$/, ".ts");
}

function layerOf(path: string): { folder: string; layer: number } {
  const [, folder, ...rest] = path.split("/");
  if (rest.length === 0) return { folder: "", layer: folder === "errors.ts" ? 0 : 14 }; // errors below all, entries above all
  return { folder, layer: layers[folder] ?? Number.NaN };
}

const files = sources("src");

test("every source file stands in a layer", () => {
  for (const path of files) assert.not.ok(Number.isNaN(layerOf(path).layer), `${path}: its folder has no layer`);
});

test("imports go to the same layer or a lower one", () => {
  for (const path of files) {
    for (const target of importsOf(path)) {
      if (!target.startsWith(".")) continue;
      const resolved = resolveImport(path, target);
      if (resolved.includes("/generated/")) continue;
      assert.ok(existsSync(join(root, resolved)), `${path} imports ${target}, which is not there`);
      assert.ok(layerOf(resolved).layer <= layerOf(path).layer, `${path} imports upward: ${target}`);
    }
  }
});

test("imports have no cycle", () => {
  const state = new Map<string, "open" | "done">();
  const visit = (path: string, trail: string[]) => {
    if (state.get(path) === "done") return;
    assert.is.not(state.get(path), "open", `cycle: ${[...trail, path].join(" -> ")}`);
    state.set(path, "open");
    // Types vanish at compile time, so only imports of values count.
    for (const target of valueImportsOf(path))
      if (target.startsWith(".")) visit(resolveImport(path, target), [...trail, path]);
    state.set(path, "done");
  };
  for (const path of files) visit(path, []);
});

test("only tensor, autograd, ops, optim and image transforms call kernels", () => {
  for (const path of files) {
    const { folder } = layerOf(path);
    const calls = importsOf(path).some((target) => target.endsWith("/runtime/launch.js"));
    if (calls) assert.ok(callsKernels.has(folder) || callsKernelsFiles.has(path), `${path} calls kernels`);
  }
});

/** Load other projects' codecs, not our kernels. */
const foreignCodecs = new Set(["decoder-module", "jpeg-turbo", "webp-codec"].map((name) => `src/data/${name}.ts`));

test("only runtime knows WebAssembly", () => {
  for (const path of files.filter((file) => !foreignCodecs.has(file))) {
    const mentions = /\bWebAssembly\b/.test(
      readFileSync(join(root, path), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ""),
    );
    if (mentions) assert.is(layerOf(path).folder, "runtime", `${path} uses WebAssembly`);
  }
});

/** Takes the types of a module of the host; what it uses of it, it asks the host for. */
const startsWorkers = "src/runtime/host-worker.ts";

test("only data, train, export, report and cli touch the host's files", () => {
  for (const path of files.filter((file) => file !== startsWorkers)) {
    const { folder } = layerOf(path);
    const touches = importsOf(path).some((target) => target.startsWith("node:"));
    if (touches && folder !== "") assert.ok(touchesFiles.has(folder), `${path} imports a node: module`);
  }
});

/** All files that one needs at run time, itself included. */
function reachedFrom(entry: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const target of valueImportsOf(path)) if (target.startsWith(".")) visit(resolveImport(path, target));
  };
  visit(entry);
  return reached;
}

test("the core entries reach no package but the loader, and nothing of the host", () => {
  for (const entry of ["index", "ops", "nn", "optim", "models", "pretrain", "edge"]) {
    for (const path of reachedFrom(`src/${entry}.ts`)) {
      for (const target of valueImportsOf(path).filter((name) => !name.startsWith(".")))
        assert.is(target, "@assemblyscript/loader", `src/${entry}.ts reaches ${path}, which imports ${target}`);
    }
  }
});

/** Pixels on their way to a network, which are the same in training and at the edge. */
const pixelFiles = ["encoder-transform", "eval-transform", "image-workspace", "augment", "resample-filter", "channels"];
const edgeFolders = new Set(["runtime", "tensor", "formats", "autograd", "ops", "nn", "elastic", "models", "edge", ""]);

test("the edge reaches networks and the way of pixels to them, and nothing that trains", () => {
  const pixels = new Set(pixelFiles.map((name) => `src/data/${name}.ts`));
  for (const path of reachedFrom("src/edge.ts"))
    assert.ok(edgeFolders.has(layerOf(path).folder) || pixels.has(path), `src/edge.ts reaches ${path}`);
});

test("no file is longer than 400 lines without a reason", () => {
  for (const path of [...files, ...sources("assembly"), ...sources("test"), ...sources("bench")]) {
    const lines = readFileSync(join(root, path), "utf8").split("\n").length;
    if (lines > 401) assert.ok(longFiles[path], `${path} has ${lines} lines`);
  }
});

test("no file is named for a drawer of things", () => {
  for (const path of [...files, ...sources("test")])
    assert.not.match(path, /\/(utils?|helpers?|types|misc|common)\.ts$/, path);
});

test("every kernel has a reference with its name", () => {
  const text = sources("test/reference")
    .map((path) => readFileSync(join(root, path), "utf8"))
    .join("\n");
  for (const name of Object.keys(signatures)) {
    if (name === "constants_table") continue;
    assert.match(text, new RegExp(`function ${name}\\(`), `test/reference lacks ${name}`);
  }
});

test("every kernel file and op file has a test of its own", () => {
  const tested = (path: string) => existsSync(join(root, path));
  const inline = new Set(["index", "constants", "math", "math_f64", "span", "pixels", "gemm_tile", "simd"]); // helpers without a kernel
  for (const path of sources("assembly")) {
    const name = path.slice("assembly/".length, -3);
    if (inline.has(name) || !/export function \w+_(f32|u8|i32)\(/.test(readFileSync(join(root, path), "utf8")))
      continue;
    const file = `test/kernels/${name.replace(/_grad$/, "").replaceAll("_", "-")}.test.ts`; // forward and gradient are tested together
    assert.ok(tested(file), `${path} has no ${file}`);
  }
  for (const path of sources("src/ops")) {
    const name = path.slice("src/ops/".length, -3);
    assert.ok(
      name === "check" || name === "product" || tested(`test/ops/${name}.test.ts`),
      `${path} has no test/ops/${name}.test.ts`,
    );
  }
});

test("the wasm module is pure: no globals, data, tables or start function", () => {
  const bytes = inlinedModule();
  let at = 8;
  const sections = new Set<number>();
  while (at < bytes.length) {
    sections.add(bytes[at++]);
    let [size, shift] = [0, 0];
    for (;;) {
      const byte = bytes[at++];
      size |= (byte & 127) << shift;
      shift += 7;
      if (byte < 128) break;
    }
    at += size;
  }
  for (const [id, name] of Object.entries({ 4: "table", 6: "global", 8: "start", 9: "element", 11: "data" })) {
    assert.not.ok(sections.has(Number(id)), `the module has a ${name} section`);
  }
});
