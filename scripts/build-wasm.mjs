// Compiles assembly/ and writes src/runtime/generated/kernels.ts: the module as base64 and the typed
// signatures, both taken from what the compiler emitted, so that a kernel is declared once (docs/architecture.md, D5).
// kernels-relaxed.ts holds the relaxed module alone, so that only those who ask for it load it.
// build/checked.wasm has the same kernels with their contracts asserted and names on the stack: init({ wasm }) takes it.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
mkdirSync("build", { recursive: true });
mkdirSync("src/runtime/generated", { recursive: true });

for (const target of ["simd", "relaxed", "checked"]) {
  execFileSync(
    process.execPath,
    ["node_modules/assemblyscript/bin/asc.js", "--config", "asconfig.json", "--target", target],
    {
      stdio: ["ignore", 2, 2],
    },
  );
}

/** The exported kernels with their parameter names, from the declaration file beside the module. */
function declarations(path) {
  const pattern = /export function (\w+)\(([^)]*)\): void;/g;
  return [...readFileSync(path, "utf8").matchAll(pattern)].map(([, name, parameters]) => ({
    name,
    names: parameters
      .split(",")
      .map((parameter) => parameter.split(":")[0].trim())
      .filter(Boolean),
  }));
}

const kernels = declarations("build/simd.d.ts");
if (kernels.length === 0) throw new Error("build-wasm: no exported kernel found in build/simd.d.ts");
const interfaceLines = [];
const signatureLines = [];
const bindingLines = [];
for (const { name, names } of kernels) {
  const [end, begin, scratch] = [...names].reverse();
  if (begin !== "begin" || end !== "end")
    throw new Error(`build-wasm: ${name} must end in (begin, end), has (${names})`);
  const hasScratch = scratch === "scratch";
  const visible = names.slice(0, hasScratch ? -3 : -2);
  interfaceLines.push(`  ${name}(${visible.map((n) => `${n}: number`).join(", ")}): void;`);
  const call = [...visible, ...(hasScratch ? ["scratch"] : []), "0", visible[0]];
  bindingLines.push(`    ${name}: (${visible.join(", ")}) => raw.${name}(${call.join(", ")}),`);
  signatureLines.push(`  ${name}: { arity: ${visible.length}, scratch: ${hasScratch} },`);
}

const base64 = (target) => readFileSync(`build/${target}.wasm`).toString("base64");
writeFileSync(
  "src/runtime/generated/kernels.ts",
  `/** Every kernel as its callers see it: without scratch and without the range. */
export interface Kernels {
${interfaceLines.join("\n")}
}

export const signatures = {
${signatureLines.join("\n")}
} as const satisfies Record<keyof Kernels, { arity: number; scratch: boolean }>;

/** Binds each kernel to its whole range on one thread. Written out, since a spread call costs ten times a direct one. */
export function bindSerial(raw: Record<keyof Kernels, (...args: number[]) => void>, scratch: number): Kernels {
  void scratch;
  return {
${bindingLines.join("\n")}
  };
}

export const simd = "${base64("simd")}";
`,
);
writeFileSync("src/runtime/generated/kernels-relaxed.ts", `export const relaxed = "${base64("relaxed")}";\n`);
const sizeOf = (target) => readFileSync(`build/${target}.wasm`).length;
console.error(
  `build-wasm: ${kernels.length} kernels, ${sizeOf("simd")} bytes, ${sizeOf("relaxed")} relaxed, ${sizeOf("checked")} with contracts`,
);
