import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import * as ops from "../../src/ops.js";
import { signatures } from "../../src/runtime/kernels.js";
import type { Recorded } from "../support/recorder.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { root } from "./markdown.js";

const page = readFileSync(join(root, "docs/ops.md"), "utf8");
const again = "run: npm run docs:ops";

/** Rows of the table whose first column has this title, as cells by column. */
function rowsOf(title: string): Record<string, string>[] {
  const table = new RegExp(`^\\| ${title} \\|.*\\n\\| ---.*\\n((?:\\|.*\\n)+)`, "m").exec(page);
  assert.ok(table, `docs/ops.md has no table of each ${title}`);
  const cells = (line: string) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim());
  const head = cells(table![0].split("\n")[0]);
  return table![1]
    .trimEnd()
    .split("\n")
    .map((line) => Object.fromEntries(cells(line).map((cell, i) => [head[i], cell])));
}

const names = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);

test("docs/ops.md has a row for every op, and no other", () => {
  const listed = rowsOf("op").map(({ op }) => names(op)[0]);
  assert.equal(listed.sort(), Object.keys(ops).sort(), again);
});

test("docs/ops.md has a row for every kernel, and no other", () => {
  const listed = rowsOf("kernel").map(({ kernel }) => names(kernel)[0]);
  assert.equal(listed.sort(), Object.keys(signatures).sort(), again);
});

test("rows of docs/ops.md name kernels and references that exist, and every cell says something", () => {
  for (const row of [...rowsOf("op"), ...rowsOf("kernel")]) {
    for (const [column, cell] of Object.entries(row)) assert.ok(cell, `${Object.values(row)[0]}: ${column} is empty`);
    for (const kernel of [...names(row.forward ?? ""), ...names(row.backward ?? "")])
      assert.ok(kernel in signatures, kernel);
    for (const file of names(row.reference)) assert.ok(existsSync(join(root, "test/reference", file)), file);
  }
});

test("every kernel but the one that fills the constants table has been compared and divided", () => {
  const open = rowsOf("kernel").filter(({ error, threads }) => error === "–" || threads !== "yes");
  assert.equal(
    open.map(({ kernel }) => kernel),
    ["`constants_table`"],
    again,
  );
});

test("tests that are asked to write down what they measure do so", () => {
  const folder = tempFolder();
  const watch = pathToFileURL(join(root, "dist/test/support/watch-ops.js")).href;
  for (const file of ["ops/activation.test.js", "kernels/activation.test.js"]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "dist/test", file)], {
      env: { ...process.env, POA_TEST_RECORD: folder, NODE_OPTIONS: `--import=${watch}` },
      encoding: "utf8",
    });
    assert.is(status, 0, stdout + stderr);
  }
  const records = readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Recorded);
  const { gelu, ...others } = Object.assign({}, ...records.map((record) => record.ops)) as Recorded["ops"];
  assert.equal(Object.keys(others), ["relu"]);
  assert.equal([gelu.differentiable, gelu.refusesStrided, gelu.gradientChecks], [true, false, 3]);
  assert.ok(gelu.stridedCalls > 0 && gelu.calls > gelu.stridedCalls);
  assert.ok(gelu.gradientError > 0 && gelu.gradientError < 1e-6);
  assert.equal(gelu.forwardKernels, ["gelu_f32", "copy_f32"]);
  assert.ok(gelu.backwardKernels.includes("gelu_grad_f32") && !gelu.backwardKernels.includes("scale_f32"));
  const { gelu_f32 } = Object.assign({}, ...records.map((record) => record.kernels)) as Recorded["kernels"];
  assert.ok(gelu_f32.cases >= gelu_f32.splitCases && gelu_f32.splitCases > 0);
  assert.ok(gelu_f32.unit === "f32" && gelu_f32.error > 0 && gelu_f32.error < 1e-5);
});
