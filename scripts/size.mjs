// Prints files and lines of code per folder, largest first: npm run size
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const totals = new Map();

function walk(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name === "generated" || name === "fixtures" || name === "node_modules") continue;
    if (statSync(path).isDirectory()) walk(path);
    else if (/\.(ts|mjs)$/.test(name)) {
      const key = path
        .split("/")
        .slice(0, 2)
        .join("/")
        .replace(/\/[^/]+\.ts$/, "");
      const { files = 0, lines = 0 } = totals.get(key) ?? {};
      totals.set(key, { files: files + 1, lines: lines + readFileSync(path, "utf8").split("\n").length - 1 });
    }
  }
}

for (const folder of ["assembly", "src", "test", "bench", "scripts"]) walk(folder);
const rows = [...totals].sort(([, a], [, b]) => b.lines - a.lines);
for (const [folder, { files, lines }] of rows)
  console.log(`${folder.padEnd(24)}${String(files).padStart(5)} files${String(lines).padStart(8)} lines`);
console.log(
  `${"all".padEnd(24)}${String(rows.reduce((n, [, r]) => n + r.files, 0)).padStart(5)} files${String(rows.reduce((n, [, r]) => n + r.lines, 0)).padStart(8)} lines`,
);
