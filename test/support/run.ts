// Runs test files, each in a process of its own, as many at once as there are cores, and closes with `N passed, N failed`.
// Usage: node dist/test/support/run.js [--slow|--long] [file or folder ...]
import { spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const testRoot = fileURLToPath(new URL("..", import.meta.url));

/** Files of minutes, the longest first: they start first, so that at the end no core waits for one of them. */
const longest = ["examples/guides.slow.js", "train/budget.slow.js", "cli/ranks.slow.js", "hosts/hosts.slow.js"];

function collect(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => {
    const child = join(path, name);
    return statSync(child).isDirectory() || /\.(test|slow|long)\.js$/.test(name) ? collect(child) : [];
  });
}

interface Outcome {
  passed: number;
  failed: number;
}

function runFile(file: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const start = performance.now();
    const child = spawn(process.execPath, ["--enable-source-maps", file], {
      stdio: ["ignore", "pipe", "pipe"],
      // Files run side by side on all cores already; commands in them would take all again.
      env: { POA_THREADS: "1", ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
    });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("close", (code) => {
      const count = (label: string) => Number(output.match(new RegExp(`${label}:\\s+(\\d+)`))?.[1] ?? 0);
      const total = count("Total");
      const passed = count("Passed");
      const leftOut = output.match(/^left out: .*$/gm) ?? [];
      const failed = Math.max(total - passed, code === 0 && total + leftOut.length > 0 ? 0 : 1);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(`${failed === 0 ? "ok  " : "FAIL"} ${relative(testRoot, file)} (${passed}, ${seconds} s)`);
      for (const line of leftOut) console.log(line);
      if (failed > 0) console.log(output);
      resolve({ passed, failed });
    });
  });
}

const args = process.argv.slice(2);
const kind = args.includes("--long") ? "long" : args.includes("--slow") ? "slow" : "test";
const paths = args.filter((arg) => !arg.startsWith("--"));
const found = (paths.length > 0 ? paths : [testRoot]).flatMap(collect);
const files = paths.length > 0 ? found : found.filter((file) => file.endsWith(`.${kind}.js`));

const longFiles = longest.map((name) => join(testRoot, name)).filter((file) => files.includes(file));
const queue = [...new Set([...longFiles, ...files])];
const totals: Outcome = { passed: 0, failed: 0 };
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const outcome = await runFile(file);
      totals.passed += outcome.passed;
      totals.failed += outcome.failed;
    }
  }),
);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
