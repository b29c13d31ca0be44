// Writes docs/ops.md from what the tests of ops and kernels measure: npm run docs:ops
// They run with POA_TEST_RECORD, which makes test/support/recorder.ts leave what they found; nothing is typed by hand.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as ops from "../dist/src/ops.js";
import { signatures } from "../dist/src/runtime/kernels.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const tests = ["ops", "kernels"].flatMap((folder) =>
  readdirSync(join(root, "dist/test", folder))
    .filter((name) => name.endsWith(".test.js"))
    .map((name) => join(root, "dist/test", folder, name)),
);

/** Runs the tests and returns what each process of them left. */
function measured() {
  const folder = mkdtempSync(join(tmpdir(), "poa-ops-"));
  try {
    const watch = pathToFileURL(join(root, "dist/test/support/watch-ops.js")).href;
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "dist/test/support/run.js"), ...tests], {
      env: { ...process.env, POA_TEST_RECORD: folder, NODE_OPTIONS: `--import=${watch}` },
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`ops-docs: the tests fail.\n${stdout}${stderr}`);
    return readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The records of all processes as one. */
function merged(records) {
  const all = { ops: {}, kernels: {} };
  for (const kind of ["ops", "kernels"]) {
    for (const [name, entry] of records.flatMap((record) => Object.entries(record[kind]))) {
      const sum = all[kind][name];
      all[kind][name] = sum
        ? Object.fromEntries(Object.keys(entry).map((key) => [key, joined(key, sum[key], entry[key])]))
        : entry;
    }
  }
  return all;
}

function joined(key, a, b) {
  if (Array.isArray(a)) return [...new Set([...a, ...b])];
  if (typeof a === "boolean") return a || b;
  if (typeof a === "string") return a;
  return /error/i.test(key) ? Math.max(a, b) : a + b;
}

/** File in test/reference/ by kernel. */
function references() {
  const folder = join(root, "test/reference");
  return Object.fromEntries(
    readdirSync(folder).flatMap((file) =>
      [...readFileSync(join(folder, file), "utf8").matchAll(/^export function (\w+)/gm)].map(([, name]) => [
        name,
        file,
      ]),
    ),
  );
}

const { ops: opRecords, kernels: kernelRecords } = merged(measured());
const referenceOf = references();
const code = (name) => `\`${name}\``;
const list = (names) => names.map(code).join(", ") || "–";
/** One digit, so that the page says the same on every host. */
const oneDigit = (error) => (error === 0 ? "0" : error.toExponential(0).replace("e-", "e−"));

function kernelError({ error, unit }) {
  if (error === 0) return "exact";
  return unit === "u8" ? `${error} level${error > 1 ? "s" : ""}` : oneDigit(error);
}

function opRow(name) {
  const record = opRecords[name];
  if (!record) throw new Error(`ops-docs: no test calls ${name}`);
  const {
    differentiable,
    gradientChecks,
    gradientError,
    stridedCalls,
    refusesStrided,
    forwardKernels,
    backwardKernels,
  } = record;
  if (differentiable && gradientChecks === 0) throw new Error(`ops-docs: the gradient of ${name} is not checked`);
  if (differentiable && backwardKernels.length === 0) throw new Error(`ops-docs: no gradient check has ${name} alone`);
  const used = [...new Set([...forwardKernels, ...backwardKernels])];
  const compared = used.map((kernel) => kernelRecords[kernel]);
  const missing = used.filter((_, i) => !compared[i]);
  if (missing.length > 0)
    throw new Error(`ops-docs: ${name} calls ${missing}, which no test compares with a reference`);
  const files = [...new Set(used.map((kernel) => referenceOf[kernel]))].sort();
  return [
    code(name),
    list(forwardKernels),
    list(backwardKernels),
    differentiable ? oneDigit(gradientError) : "none",
    stridedCalls > 0 ? "yes" : refusesStrided ? "refused" : "no",
    compared.every(({ splitCases }) => splitCases > 0) ? "yes" : "no",
    kernelError({
      unit: "f32",
      error: Math.max(0, ...compared.filter(({ unit }) => unit === "f32").map(({ error }) => error)),
    }),
    list(files),
  ];
}

function kernelRow(name) {
  const record = kernelRecords[name];
  if (!record) return [code(name), "–", "–", "–", referenceOf[name] ? code(referenceOf[name]) : "–"];
  const { cases, splitCases } = record;
  return [code(name), String(cases), kernelError(record), splitCases > 0 ? "yes" : "no", code(referenceOf[name])];
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const page = `# Operations and kernels

<!-- Printed by scripts/ops-docs.mjs (npm run docs:ops) from what the tests measure. Change those, not this file. -->

Correctness is two proofs: a kernel gives what its reference in \`test/reference/\` gives, and the backward pass of an op,
run on the references in double precision, is the derivative of its forward pass. Both tables hold what the tests of
\`test/ops/\` and \`test/kernels/\` found; \`npm run docs:ops\` runs them and writes this page.

## Operations

Every op of \`src/ops.ts\`.

- **forward**, **backward**: the kernels that it launches; which of them depends on shapes, strides and options.
- **gradient**: largest difference between backward pass and central differences in double precision, relative to the
  larger of the two and to the largest gradient of the tensor. Tests allow 1e−6. \`none\`: the result carries no gradient.
- **strided**: a strided view has been among the inputs, or is refused with a message.
- **threads**: every one of its kernels gives the same bits when its axis is divided.
- **f32 error**: the largest of its kernels' errors, as below.
- **reference**: files in \`test/reference/\`.

${table(
  ["op", "forward", "backward", "gradient", "strided", "threads", "f32 error", "reference"],
  Object.keys(ops).map(opRow),
)}

## Kernels

Every kernel of the build.

- **cases**: comparisons with the reference, over sizes that leave every kind of remainder, strides and both β, with guard
  words around the outputs and NaN in those that are to be overwritten.
- **error**: largest |a − b| / max(1, |b|) against the reference; of bytes, in levels. \`exact\`: no difference.
- **threads**: dividing the axis into ranges changed no bit.

\`constants_table\` writes the constants that the others read, before any of them runs; it has no reference.

${table(["kernel", "cases", "error", "threads", "reference"], Object.keys(signatures).map(kernelRow))}
`;

writeFileSync(join(root, "docs/ops.md"), page);
