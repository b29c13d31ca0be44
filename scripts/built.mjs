// Runs a built file, building first when needed: node scripts/built.mjs dist/FILE.js [arguments]
// The build's output goes to stderr, so that stdout is the program's alone.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [file, ...args] = process.argv.slice(2);

const newest = (path) =>
  statSync(path).isDirectory()
    ? Math.max(
        ...readdirSync(path)
          .filter((name) => name !== "generated" && name !== "node_modules")
          .map((name) => newest(join(path, name))),
        0,
      )
    : statSync(path).mtimeMs;

const built = join(root, file);
const sources = ["assembly", "src", "test", "bench", "scripts", "package.json", "tsconfig.json", "asconfig.json"];
const stamp = join(root, "dist/.built");
if (
  !existsSync(built) ||
  !existsSync(stamp) ||
  sources.some((path) => newest(join(root, path)) > statSync(stamp).mtimeMs)
) {
  execFileSync("npm", ["run", "--silent", "build"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
}
const { status, signal } = spawnSync(process.execPath, [built, ...args], { stdio: "inherit" });
process.exitCode = signal ? 130 : (status ?? 1);
