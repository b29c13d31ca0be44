import { spawn } from "node:child_process";
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { inBrowser, withPage } from "../support/browser.js";
import { serveFolder } from "../support/serve.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { documents, type FencedBlock, fencedBlocks, root } from "./markdown.js";
import { transpiled, typeProblems } from "./type-check.js";
import { type Outcome, workspace } from "./workspace.js";

const LIMIT = { timeoutMs: 1_800_000 };

const guide = (name: string) => documents().find(({ path }) => path === `docs/guides/${name}.md`)!;

/** A block of a guide, and the file that the line before it names, if it does: "… `src/ops.ts`:". */
interface Step extends FencedBlock {
  readonly file: string | undefined;
}

function stepsOf(name: string): Step[] {
  const { path, text } = guide(name);
  const files = [...text.matchAll(/^(.*)\n\n```\w+$/gm)].map(([, before]) => /`([\w./-]+)`:$/.exec(before)?.[1]);
  const blocks = fencedBlocks({ path, text });
  assert.is(files.length, blocks.length, `${path}: a block does not stand on its own`);
  return blocks.map((block, i) => ({ ...block, file: files[i] }));
}

/** Runs what a shell would; `poa` and the programs of this repository's packages are found. */
function runShell(code: string, cwd: string): Promise<Outcome> {
  const bin = tempFolder({
    poa: `#!/bin/sh\nexec "${process.execPath}" "${join(root, "dist/src/cli/main.js")}" "$@"\n`,
  });
  chmodSync(join(bin, "poa"), 0o755);
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
    const child = spawn("sh", ["-e", "-c", code], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("close", (status) => resolve({ code: status, output }));
  });
}

/** Writes a file, or adds to one that is there, as a reader would. */
function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path)) appendFileSync(path, text);
  else writeFileSync(path, text);
}

/** Follows guides step by step in one folder. */
async function follow(folder: string, ...names: string[]): Promise<void> {
  for (const { place, language, code, file } of names.flatMap(stepsOf)) {
    if (file) {
      write(join(folder, file), code);
      continue;
    }
    const program = join(folder, "program.mjs");
    if (language === "ts") writeFileSync(program, transpiled(code));
    const outcome = await runShell(language === "ts" ? `"${process.execPath}" program.mjs` : code, folder);
    assert.is(outcome.code, 0, `${place}\n${outcome.output}`);
  }
}

/** A project of a reader, in which the package is installed. */
function project(folder: string): string {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/poa"));
  symlinkSync(join(root, "node_modules/.bin"), join(folder, "node_modules/.bin"));
  return folder;
}

test("the first run goes as the guide says", () => follow(project(tempFolder()), "first-run"), LIMIT);

const photos = project(workspace());

test(
  "from a folder of photos to files for devices, guide after guide",
  async () => {
    await follow(photos, "your-own-images", "choosing-a-sub-network", "putting-it-on-a-device");
    for (const file of ["runs/photos/report.html", "encoders/64x2.safetensors", "photos.onnx", "public/page.js"])
      assert.ok(existsSync(join(photos, file)), file);
  },
  LIMIT,
);

/** What the page of the guide shows, from a static server, under the policy that the guide names. */
async function shownByPage(): Promise<string> {
  const headers = { "content-security-policy": "script-src 'self' 'wasm-unsafe-eval'" };
  return withPage(await serveFolder(join(photos, "public"), { headers }), "/", async (page) => {
    await page.getByText("numbers in").waitFor();
    return (await page.textContent("output"))!;
  });
}

inBrowser(
  "the page of the guide embeds what is drawn",
  async () => {
    assert.match(await shownByPage(), /^64 numbers in [\d.]+ ms$/);
  },
  LIMIT,
);

test(
  "an op written as the guide says builds and passes its tests",
  async () => {
    const folder = tempFolder();
    const folders = ["assembly", "src", "dist/src", "test", "bench", "scripts"];
    for (const name of [...folders, "asconfig.json", "package.json", "tsconfig.json"])
      cpSync(join(root, name), join(folder, name), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    await follow(folder, "writing-an-op");
  },
  LIMIT,
);

test(
  "programs of the guides are correct TypeScript",
  () => {
    const names = ["first-run", "your-own-images", "choosing-a-sub-network", "putting-it-on-a-device"];
    const steps = [...names.flatMap(stepsOf), ...stepsOf("writing-an-op").filter(({ file }) => !file)];
    const programs = steps.filter(({ language }) => language === "ts");
    const folder = project(tempFolder());
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    const files = programs.map(({ place, code }, i) => {
      const file = join(folder, `${i}.ts`);
      writeFileSync(file, code);
      return [place, file] as const;
    });
    assert.equal(typeProblems(new Map(files)), []);
  },
  LIMIT,
);
