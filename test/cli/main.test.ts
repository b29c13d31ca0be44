import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { expectExit } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const verbs = ["pretrain", "resume", "eval knn", "embed", "subnets list", "subnets extract", "demo", "doctor"];

for (const verb of verbs) {
  test(`poa ${verb} --help tells purpose, options and two examples, and exits 0`, async () => {
    const { stdout, stderr } = await expectExit(0, [...verb.split(" "), "--help"]);
    assert.match(stdout, new RegExp(`^poa ${verb} `));
    for (const option of ["json", "quiet", "threads N\\|all", "debug"])
      assert.match(stdout, new RegExp(`^ +--${option}`, "m"));
    assert.ok((stdout.match(/^ {2}poa /gm) ?? []).length >= 2, "two examples");
    assert.is(stderr, "");
  });
}

test("the list of verbs names each of them, on stdout when asked for, on stderr with exit 2 when not", async () => {
  for (const word of ["--help", "-h", "help"]) {
    const { stdout } = await expectExit(0, [word]);
    for (const verb of verbs) assert.match(stdout, new RegExp(`^ {2}${verb} `, "m"));
  }
  const { stdout, stderr } = await expectExit(2, []);
  assert.is(stdout, "");
  assert.match(stderr, /poa <verb>/);
});

test("the version is the package's", async () => {
  const manifest = JSON.parse(readFileSync(fileURLToPath(new URL("../../../package.json", import.meta.url)), "utf8"));
  assert.is((await expectExit(0, ["--version"])).stdout, `${manifest.version}\n`);
});

test("an unknown verb is refused with the nearest one, a group alone with its verbs", async () => {
  assert.match((await expectExit(2, ["pretrian"])).stderr, /there is no verb "pretrian"\. Did you mean pretrain\?/);
  assert.match((await expectExit(2, ["frobnicate"])).stderr, /there is no verb "frobnicate"\. See poa --help/);
  for (const argv of [["subnets"], ["subnets", "lits"]])
    assert.match((await expectExit(2, argv)).stderr, /expected one of poa subnets list, poa subnets extract/);
  assert.match((await expectExit(0, ["eval", "--help"])).stdout, /^poa eval knn {2}/);
});

test("an unknown option is refused with the nearest one, as JSON too", async () => {
  const { stderr, events } = await expectExit(2, ["doctor", "--jsn", "--json"]);
  assert.match(stderr, /^error: doctor: there is no option --jsn\. Did you mean --json\?/);
  assert.equal(
    events.map(({ event }) => event),
    ["error"],
  );
});

test("a stack trace appears with --debug and only then", async () => {
  const argv = ["subnets", "list", "no-such-preset"];
  assert.is((await expectExit(2, argv)).stderr.trimEnd().split("\n").length, 1);
  assert.match((await expectExit(2, [...argv, "--debug"])).stderr, /^ConfigError: .*\n +at /m);
});

test("a reader that closes early ends the program in silence", async () => {
  const main = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
  const child = spawn(process.execPath, [main, "subnets", "list", "vit_ee1200", "--json"], {
    cwd: tempFolder(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  child.stdout.destroy();
  await once(child, "close");
  assert.is(stderr, "");
});
