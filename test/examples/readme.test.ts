import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { test } from "../support/test.js";
import { documents, type FencedBlock, fencedBlocks, programCalls, root } from "./markdown.js";
import { transpiled, typeProblems } from "./type-check.js";
import { type Outcome, runNode, workspace } from "./workspace.js";

const LIMIT = { timeoutMs: 120_000 };

// Guides are sessions of their own: guides.slow.ts.
const blocks = documents()
  .filter(({ path }) => !path.startsWith("docs/guides/"))
  .flatMap(fencedBlocks)
  .filter(({ language }) => ["ts", "js"].includes(language));

// Inside the package, so that `import "poa"` finds it by its own exports.
const modules = mkdtempSync(join(root, "dist", "examples-"));
process.on("exit", () => rmSync(modules, { recursive: true, force: true }));
const sourceOf = (block: FencedBlock) => join(modules, `${block.place.replace(/\W/g, "-")}.ts`);
for (const block of blocks) writeFileSync(sourceOf(block), block.code);

function runBlock(block: FencedBlock, cwd: string): Promise<Outcome> {
  const file = sourceOf(block).replace(/\.ts$/, ".mjs");
  writeFileSync(file, transpiled(block.code));
  return runNode([file], cwd);
}

/** The README's session, command after command in one folder. */
async function runSession(cwd: string): Promise<(Outcome & { readonly call: string })[]> {
  const readme = documents().find(({ path }) => path === "README.md")!;
  const outcomes = [];
  for (const words of fencedBlocks(readme).flatMap(programCalls)) {
    const outcome = await runNode([join(root, "dist/src/cli/main.js"), ...words], cwd);
    outcomes.push({ ...outcome, call: words.join(" ") });
  }
  return outcomes;
}

async function runInTurn(cwd: string): Promise<Map<FencedBlock, Outcome>> {
  const outcomes = new Map<FencedBlock, Outcome>();
  for (const block of blocks) outcomes.set(block, await runBlock(block, cwd));
  return outcomes;
}

const [sessionFolder, blocksFolder] = [workspace(), workspace()];
const [session, outcomes] = [runSession(sessionFolder), runInTurn(blocksFolder)];

for (const block of blocks) {
  test(
    `${block.place} runs as it stands`,
    async () => {
      const { code, output } = (await outcomes).get(block)!;
      assert.is(code, 0, output);
    },
    LIMIT,
  );
}

test(
  "the README's classifier learns",
  async () => {
    const block = blocks.find(({ code }) => code.includes("class Classifier"))!;
    const losses = (await outcomes)
      .get(block)!
      .output.trim()
      .split("\n")
      .map((line) => Number(line.split(" ")[1]));
    assert.ok(losses.at(-1)! < losses[0] / 2, `loss ${losses.join(", ")}`);
  },
  LIMIT,
);

test(
  "the README's session runs as it stands, and its files are there",
  async () => {
    for (const { call, code, output } of await session) assert.is(code, 0, `poa ${call}\n${output}`);
    for (const file of ["runs/photos/config.yaml", "encoders/64x2.safetensors", "features.npy"])
      assert.ok(existsSync(join(sessionFolder, file)), file);
  },
  LIMIT,
);

test(
  "the examples are correct TypeScript",
  () => {
    assert.equal(typeProblems(new Map(blocks.map((block) => [block.place, sourceOf(block)]))), []);
  },
  LIMIT,
);

test("the README begins with two commands", () => {
  const [{ code }] = fencedBlocks(documents()[0]);
  assert.is(code, "npm ci --ignore-scripts && npm run demo\nnpm test\n");
});
