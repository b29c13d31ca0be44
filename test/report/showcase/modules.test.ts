import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/errors.js";
import { copyModules } from "../../../src/report/showcase/modules.js";
import { refuses } from "../../support/refuses.js";
import { tempFolder } from "../../support/temp-folder.js";
import { test } from "../../support/test.js";

test("what is copied imports only what has been copied, by relative addresses", () => {
  const folder = tempFolder();
  const paths = copyModules(folder, ["report/showcase/client/worker.js"]);
  assert.ok(paths.includes("edge/encoder.js") && paths.includes("packages/assemblyscript-loader.js"));
  assert.not.ok(paths.some((path) => /relaxed|^train|^optim|^cli/.test(path)));
  for (const path of paths.filter((name) => name.endsWith(".js"))) {
    const text = readFileSync(join(folder, path), "utf8");
    for (const [, target] of text.matchAll(/^(?:import|export)\s[^;"]*?from "([^"]+)"/gm)) {
      assert.match(target, /^\.\.?\//, `${path} imports ${target}`);
      assert.ok(existsSync(join(folder, dirname(path), target)), `${path} imports ${target}`);
    }
  }
});

test("the program of the page itself carries no kernels, which are the worker's", () => {
  const paths = copyModules(tempFolder(), ["report/showcase/client/main.js"]);
  assert.not.ok(paths.some((path) => path.startsWith("runtime/") || path.startsWith("packages/")));
});

test("a module that needs a host is refused by name", () => {
  refuses(() => copyModules(tempFolder(), ["data/image-files.js"]), FormatError, "imports node:");
});
