import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import * as assert from "uvu/assert";
import { loadEncoder } from "../../src/edge.js";
import { encoderBundle } from "../../src/export/encoder-bundle.js";
import { init } from "../../src/runtime/context.js";
import { noiseImage } from "../support/image-bytes.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { bundled } from "./edge-bundle.js";

await init();

/** Of `poa/edge` with both builds of its kernels, compressed. */
const LIMIT_BYTES = 150_000;

const edge = 'export { loadEncoder } from "poa/edge";';
const gzipBytes = (file: Uint8Array) => gzipSync(file, { level: 9 }).length;

test("poa/edge with all its kernels in one file stays below 150 kB gzip", async () => {
  const { files } = await bundled(edge);
  assert.equal([...files.keys()], ["main.js"]);
  const size = gzipBytes(files.get("main.js")!);
  assert.ok(size < LIMIT_BYTES, `${size} bytes`);
});

test("what a page loads is less than three quarters of that, since the relaxed kernels stay apart", async () => {
  const { files } = await bundled(edge, { splitting: true });
  const size = gzipBytes(files.get("main.js")!);
  assert.ok(size < 0.75 * LIMIT_BYTES, `${size} bytes`);
  assert.is([...files.keys()].filter((name) => name.startsWith("kernels-relaxed")).length, 1);
});

test("nothing of training comes along: no optimiser, loss, loop or decoder, and no package but the loader", async () => {
  const { files, inputs } = await bundled(edge);
  const packages = inputs.filter((path) => path.startsWith("node_modules/"));
  assert.equal(packages, ["node_modules/@assemblyscript/loader/index.js"]);
  const folders = new Set(inputs.map((path) => /^dist\/src\/(\w+)\//.exec(path)?.[1]));
  for (const folder of ["optim", "poa", "train", "eval", "export", "report", "cli"])
    assert.not.ok(folders.has(folder), folder);
  assert.equal(
    inputs.filter((path) => /ops\/(cross-entropy|focal-loss|sinkhorn|giou-loss|log-distance)/.test(path)),
    [],
  );
  assert.equal(
    inputs.filter((path) => /data\/(decode|loader|multi-crop|train-transform|masking)/.test(path)),
    [],
  );
  const text = new TextDecoder().decode(files.get("main.js"));
  for (const name of ["weightDecay", "teacher"]) assert.not.ok(text.includes(name), name);
});

test("of an entry only what is imported remains", async () => {
  const { files, inputs } = await bundled('export { cosineSchedule } from "poa/optim";');
  assert.equal(
    inputs.filter((path) => path.includes("runtime/")),
    [],
  );
  assert.ok(files.get("main.js")!.length < 2000, `${files.get("main.js")!.length} bytes`);
});

test("the file in one piece computes what the library computes", async () => {
  const { files } = await bundled(edge);
  const folder = tempFolder({ "main.mjs": files.get("main.js")! });
  const module = (await import(pathToFileURL(join(folder, "main.mjs")).href)) as { loadEncoder: typeof loadEncoder };
  const bytes = encoderBundle(tinyEncoder());
  const image = noiseImage({ width: 40, height: 30 });
  const [own, packed] = [await loadEncoder(bytes), await module.loadEncoder(bytes, { threads: 1 })];
  assert.equal([...packed.embed(image)], [...own.embed(image)]);
});
