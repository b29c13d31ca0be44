import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { detectFeatures } from "../../src/runtime/features.js";
import type { GoldenResult } from "../golden/run.js";
import { test } from "../support/test.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const relaxedModulePath = fileURLToPath(new URL("../../../build/relaxed.wasm", import.meta.url));
const goldenRunner = fileURLToPath(new URL("../golden/run.js", import.meta.url));
const goldenFolder = fileURLToPath(new URL("../../../test/fixtures/golden", import.meta.url));

/** Runs a program on a host that has relaxed SIMD: this one, where Node 20 needs to be told. */
function onRelaxed(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const flags = detectFeatures().relaxed ? [] : ["--experimental-wasm-relaxed-simd"];
  const options = { env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0", ...env }, encoding: "utf8" } as const;
  try {
    return execFileSync(process.execPath, [...flags, ...args], options);
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout);
  }
}

function passes(file: string, env: Readonly<Record<string, string>> = {}): void {
  const output = onRelaxed([join(here, file)], { POA_TEST_WASM: relaxedModulePath, ...env });
  assert.match(output, /Total: +[1-9]/);
  assert.is(/Passed: +(\d+)/.exec(output)?.[1], /Total: +(\d+)/.exec(output)?.[1]);
}

for (const file of readdirSync(here).filter((name) => name.endsWith(".test.js"))) {
  test(`${file} passes on the relaxed kernels`, () => passes(file), { timeoutMs: 300_000 });
}

for (const file of ["gemm.test.js", "attention.test.js"]) {
  test(`${file} passes with register tiles of six rows`, () => passes(file, { POA_TEST_TALL: "1" }), {
    timeoutMs: 300_000,
  });
}

test("the golden cases pass on the relaxed kernels", () => {
  const output = onRelaxed([goldenRunner, goldenFolder, "--json", "--relaxed"]);
  const results = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as GoldenResult);
  assert.ok(results.length > 10);
  assert.equal(
    results.filter(({ status }) => status === "fail"),
    [],
  );
});
