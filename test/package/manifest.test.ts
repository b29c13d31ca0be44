import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { root } from "../examples/markdown.js";
import { test } from "../support/test.js";

const json = (file: string) => JSON.parse(readFileSync(join(root, file), "utf8"));
const manifest = json("package.json");

interface LockedPackage {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

test("installing runs no script: neither of this package nor of what it needs", () => {
  for (const name of ["preinstall", "install", "postinstall", "prepare"])
    assert.is(manifest.scripts[name], undefined, name);
  const locked = Object.entries(json("package-lock.json").packages as Record<string, LockedPackage>);
  const needed = locked.filter(([path, { dev }]) => path !== "" && !dev);
  assert.ok(needed.length >= Object.keys(manifest.dependencies).length);
  assert.equal(
    needed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path),
    [],
  );
});

test("every version of a dependency is exact", () => {
  const { dependencies, devDependencies, peerDependencies } = manifest;
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...peerDependencies }))
    assert.match(String(version), /^\d+\.\d+\.\d+$/, name);
});

test("every entry of the package has its source, and jsr.json and typedoc.json name the same", () => {
  const jsr = json("jsr.json");
  assert.is(jsr.version, manifest.version);
  assert.is(jsr.license, manifest.license);
  const sources = Object.entries(manifest.exports as Record<string, { default: string } | string>).flatMap(
    ([name, target]) =>
      typeof target === "string" ? [] : [[name, target.default.replace("./dist/", "./").replace(/\.js$/, ".ts")]],
  );
  for (const [name, source] of sources) assert.ok(existsSync(join(root, source)), name);
  const { "./cli": program, ...entries } = jsr.exports;
  assert.equal(entries, Object.fromEntries(sources));
  assert.is(program, manifest.bin.poa.replace("dist/", "./").replace(/\.js$/, ".ts"));
  assert.equal(
    json("typedoc.json").entryPoints,
    sources.map(([, source]) => source.slice(2)),
  );
});
