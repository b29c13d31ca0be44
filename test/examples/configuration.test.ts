import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { configKeys } from "../../src/poa/config.js";
import { test } from "../support/test.js";
import { root } from "./markdown.js";

test("docs/configuration.md is what scripts/config-docs.mjs prints", () => {
  const { stdout, stderr } = spawnSync(process.execPath, ["scripts/config-docs.mjs"], { cwd: root, encoding: "utf8" });
  const page = readFileSync(join(root, "docs/configuration.md"), "utf8");
  assert.is(page, stdout, `run: node scripts/config-docs.mjs > docs/configuration.md\n${stderr}`);
});

test("settings that have no effect, as the page says, are read nowhere", () => {
  const page = readFileSync(join(root, "docs/configuration.md"), "utf8");
  const paths = [...page.matchAll(/^\| `([\w.]+)` .* No effect: .* \|$/gm)].map(([, path]) => path);
  const files = readdirSync(join(root, "src"), { recursive: true }).map(String);
  const readers = files.filter((file) => file.endsWith(".ts") && !/poa.(config-keys|recipes)\.ts$/.test(file));
  assert.ok(paths.length > 0);
  for (const path of paths) {
    assert.ok(configKeys("vit_dynamic").has(path), path);
    const name = new RegExp(`\\b${path.split(".")[1]}\\b`);
    for (const file of readers)
      assert.not.match(readFileSync(join(root, "src", file), "utf8"), name, `${file}: ${path}`);
  }
});
