import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import ts from "typescript";
import * as assert from "uvu/assert";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.js";
import { cifarFile } from "../support/cifar-files.js";
import { pngFile, pngHeader } from "../support/image-fixtures.js";
import { seeded } from "../support/kernels.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { documents, type FencedBlock, fencedBlocks, programCalls, root } from "./markdown.js";

const LIMIT = { timeoutMs: 120_000 };

/** A PNG file of seeded noise. */
function noisePng(seed: number): Uint8Array {
  const [width, height] = [48, 40];
  const next = seeded(seed);
  const rows = Uint8Array.from({ length: height * (1 + 3 * width) }, (_, i) =>
    i % (1 + 3 * width) === 0 ? 0 : Math.floor(256 * next()),
  );
  return pngFile(["IHDR", pngHeader(width, height, 8, 2)], ["IDAT", deflateSync(rows)]);
}

/** A small ResNet under torchvision's names, its classifier included. */
function torchvisionFile(): Uint8Array {
  const path = join(root, "test/fixtures/golden/torchvision_resnet.safetensors");
  const { tensors } = readSafetensors(readFileSync(path), path);
  return writeSafetensors(new Map([...tensors].filter(([name]) => /^(conv1|bn1|layer\d|fc)\./.test(name))));
}

/** A folder with the data that the examples name: few images, so that few steps are trained. */
function workspace(): string {
  const photos = [...Array(40).keys()].map((i) => {
    const folder = `${i < 32 ? "train" : "test"}/${i % 2 === 0 ? "cats" : "dogs"}`;
    return [`photos/${folder}/${i}.png`, noisePng(i)] as const;
  });
  const labels = [...Array(128).keys()].map((i) => [i % 10]);
  return tempFolder({
    ...Object.fromEntries(photos),
    "resnet50.safetensors": torchvisionFile(),
    "data/cifar10/data_batch_1.bin": cifarFile(labels),
    "data/cifar10/test_batch.bin": cifarFile(labels.slice(0, 20)),
  });
}

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

function runNode(args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("close", (code) => resolve({ code, output }));
  });
}

const blocks = documents()
  .flatMap(fencedBlocks)
  .filter(({ language }) => ["ts", "js"].includes(language));

// Inside the package, so that `import "poa"` finds it by its own exports.
const modules = mkdtempSync(join(root, "dist", "examples-"));
process.on("exit", () => rmSync(modules, { recursive: true, force: true }));
const sourceOf = (block: FencedBlock) => join(modules, `${block.place.replace(/\W/g, "-")}.ts`);
for (const block of blocks) writeFileSync(sourceOf(block), block.code);

function runBlock(block: FencedBlock, cwd: string): Promise<Outcome> {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true };
  const file = sourceOf(block).replace(/\.ts$/, ".mjs");
  writeFileSync(file, ts.transpileModule(block.code, { compilerOptions: options }).outputText);
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
    const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(
      {
        compilerOptions: { ...config.compilerOptions, rootDir: undefined, outDir: undefined, noEmit: true },
        files: [],
      },
      ts.sys,
      root,
    );
    const program = ts.createProgram(blocks.map(sourceOf), options);
    const problems = blocks.flatMap((block) => {
      const file = program.getSourceFile(sourceOf(block));
      return ts.getPreEmitDiagnostics(program, file).map(({ messageText, start = 0 }) => {
        const line = file?.getLineAndCharacterOfPosition(start).line ?? 0;
        return `${block.place}, line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
      });
    });
    assert.equal(problems, []);
  },
  LIMIT,
);

test("the README begins with two commands", () => {
  const [{ code }] = fencedBlocks(documents()[0]);
  assert.is(code, "npm ci --ignore-scripts && npm run demo\nnpm test\n");
});
