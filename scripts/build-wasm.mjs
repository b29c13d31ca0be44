// Compiles assembly/ and writes src/runtime/generated/kernels.ts: the module as hexadecimal digits and the
// typed signatures, both taken from what the compiler emitted, so that a kernel is declared once (docs/architecture.md, D5).
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

/** The exported kernels with the names and types of their parameters, from the declaration file beside the module. */
function declarations(path) {
  const pattern = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export function (\w+)\(/g;
  return [...readFileSync(path, "utf8").matchAll(pattern)].map(([, comment, name]) => ({
    name,
    parameters: [...comment.matchAll(/@param (\w+) `(\w+)`/g)].map(([, parameter, type]) => ({
      name: parameter,
      type,
    })),
  }));
}

/** The sizes that a kernel's parameters begin with: how much work a call is follows from them. */
function extentsOf(parameters) {
  const end = parameters.findIndex(({ name, type }) => type !== "i32" || /stride|^ld/.test(name));
  return parameters.slice(0, end < 0 ? parameters.length : end).map(({ name }) => name);
}

const kernels = declarations("build/simd.d.ts");
if (kernels.length === 0) throw new Error("build-wasm: no exported kernel found in build/simd.d.ts");
const interfaceLines = [];
const signatureLines = [];
const serialLines = [];
const sharedLines = [];
kernels.forEach(({ name, parameters }, index) => {
  const names = parameters.map((parameter) => parameter.name);
  const [end, begin, scratch] = [...names].reverse();
  if (begin !== "begin" || end !== "end")
    throw new Error(`build-wasm: ${name} must end in (begin, end), has (${names})`);
  const hasScratch = scratch === "scratch";
  const visible = names.slice(0, hasScratch ? -3 : -2);
  const extents = extentsOf(parameters.slice(0, visible.length));
  interfaceLines.push(`  ${name}(${visible.map((n) => `${n}: number`).join(", ")}): void;`);
  const call = `raw.${name}(${[...visible, ...(hasScratch ? ["scratch"] : []), "0", visible[0]].join(", ")})`;
  serialLines.push(`    ${name}: (${visible.join(", ")}) => ${call},`);
  sharedLines.push(
    `    ${name}: (${visible.join(", ")}) => {`,
    `      const us = costs.${name}(${extents.join(", ")});`,
    `      if (us < leastUs || rests(us)) return ${call};`,
    ...visible.map((n, i) => `      args[${i}] = ${n};`),
    `      divide(${index}, us);`,
    "    },",
  );
  const listed = extents.map((n) => `"${n}"`).join(", ");
  signatureLines.push(`  ${name}: { arity: ${visible.length}, scratch: ${hasScratch}, extents: [${listed}] },`);
});

// Digits of whole bytes, since gzip finds what repeats in them: a fifth smaller over a network than base64.
const digits = (target) => readFileSync(`build/${target}.wasm`).toString("hex");
writeFileSync(
  "src/runtime/generated/kernels.ts",
  `/**
 * Every kernel as its callers see it: without scratch and without the range.
 *
 * @internal
 */
export interface Kernels {
${interfaceLines.join("\n")}
}

/** In the order of the module: how many arguments callers give, whether scratch follows, and which extents come first. */
export const signatures = {
${signatureLines.join("\n")}
} as const satisfies Record<keyof Kernels, { arity: number; scratch: boolean; extents: readonly [string, ...string[]] }>;

type Raw = Record<keyof Kernels, (...args: number[]) => void>;

/** Binds each kernel to its whole range on one thread. Written out, since a spread call costs ten times a direct one. */
export function bindSerial(raw: Raw, scratch: number): Kernels {
  void scratch;
  return {
${serialLines.join("\n")}
  };
}

/** What bindShared divides calls with. */
export interface Division {
  readonly scratch: number;
  /** Where the arguments of a call that is divided are put. */
  readonly args: Float64Array;
  /** The cost of a call in microseconds, from its extents. */
  readonly costs: Record<keyof Kernels, (...extents: number[]) => number>;
  /** Calls below this cost stay whole. */
  readonly leastUs: number;
  /** Whether a call of this cost stays whole for now. */
  readonly rests: (us: number) => boolean;
  /** Computes the call whose arguments were put, by the kernel's place in the module. */
  readonly divide: (kernel: number, us: number) => void;
}

/** Binds each kernel to its whole range, divided among threads where that is worth it. */
export function bindShared(raw: Raw, { scratch, args, costs, leastUs, rests, divide }: Division): Kernels {
  void scratch;
  return {
${sharedLines.join("\n")}
  };
}

export const simd: string = "${digits("simd")}";
`,
);
writeFileSync("src/runtime/generated/kernels-relaxed.ts", `export const relaxed: string = "${digits("relaxed")}";\n`);
const sizeOf = (target) => readFileSync(`build/${target}.wasm`).length;
console.error(
  `build-wasm: ${kernels.length} kernels, ${sizeOf("simd")} bytes, ${sizeOf("relaxed")} relaxed, ${sizeOf("checked")} with contracts`,
);
