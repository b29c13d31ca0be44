// Checks what would be published: the npm package by publint and are-the-types-wrong, the JSR package by a dry run of
// deno, which needs no network but for the packages of package.json. Exit code 1 where one objects: npm run check:package
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), "poa-package-"));

/** Runs a program of a development dependency and shows what it prints if it objects. */
function accepts(title, name, args) {
  const env = { ...process.env, NO_COLOR: "1", DENO_DIR: join(folder, "deno"), DENO_NO_UPDATE_CHECK: "1" };
  const { status, stdout, stderr, error } = spawnSync(`node_modules/.bin/${name}`, args, { encoding: "utf8", env });
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${title}`);
  if (status !== 0) console.log(error?.message ?? stdout + stderr);
  return status === 0;
}

try {
  const packed = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  const [{ filename, size, entryCount }] = JSON.parse(packed);
  const tarball = join(folder, filename);
  console.log(`${filename}: ${entryCount} files, ${(size / 1e6).toFixed(2)} MB`);
  const verdicts = [
    accepts("publint", "publint", ["run", tarball, "--strict"]),
    // CommonJS reaches the package by import() alone, as Node 20 does with every module.
    accepts("are the types wrong", "attw", [tarball, "--profile", "esm-only"]),
    // Types of the settings follow from their table, so JSR cannot read them without inference: slow types.
    accepts("jsr, dry run", "deno", ["publish", "--dry-run", "--allow-dirty", "--allow-slow-types"]),
  ];
  if (verdicts.includes(false)) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
