import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";

import { loadEncoder } from "../../../src/edge.js";
import { extractFeatures } from "../../../src/eval/features.js";
import { readSafetensors } from "../../../src/formats/safetensors.js";
import { sliceEncoder } from "../../../src/models/encoder.js";
import { FEATURES, type ShowcaseContent } from "../../../src/report/showcase/content.js";
import { type ShowcaseParts, writeShowcase } from "../../../src/report/showcase/write-showcase.js";
import { init, memory } from "../../../src/runtime/context.js";
import { pixels } from "../../support/image-fixtures.js";
import { squareImage, squareSource } from "../../support/square-run.js";
import { tempFolder } from "../../support/temp-folder.js";
import { test } from "../../support/test.js";
import { tinyEncoder } from "../../support/tiny-encoder.js";

await init();

const encoder = tinyEncoder();
const bank = squareSource(14, 20);
const parts: ShowcaseParts = {
  ...{ title: `<b>"squares" & more</b>`, subtitle: "two networks" },
  encoders: [
    { name: "16x2", encoder, knn: 0.75 },
    { name: "8x1", encoder: sliceEncoder(encoder, { width: 8, depth: 1 }) },
  ],
  ...{ bank, samples: squareSource(3, 40) },
};

const content = (folder: string) => {
  const page = readFileSync(join(folder, "index.html"), "utf8");
  const json = /<script type="application\/json" id="content">(.*)<\/script>/.exec(page)![1];
  return { page, content: JSON.parse(json) as ShowcaseContent };
};

test("the folder holds what the page names: bundles, their features of the bank, pictures, samples", async () => {
  const folder = join(tempFolder(), "page");
  const before = memory().persistentBytes;
  const summary = await writeShowcase(folder, parts);
  assert.is(memory().persistentBytes, before);
  assert.equal([summary.networks, summary.bank, summary.samples], [2, 14, 3]);
  const { networks, bank: shown, samples } = content(folder).content;
  assert.equal(
    networks.map(({ name, knn }) => [name, knn]),
    [
      ["8x1", null],
      ["16x2", 0.75],
    ],
  );
  for (const [i, network] of networks.entries()) {
    const bytes = readFileSync(join(folder, network.bundle));
    assert.is(network.bundleBytes, bytes.length);
    const { tensors } = readSafetensors(readFileSync(join(folder, network.features)), network.features);
    const { features } = await extractFeatures(bank, parts.encoders[1 - i].encoder);
    assert.equal([...tensors.get(FEATURES)!.data], [...features.toArray()]);
    features.dispose();
    const edge = await loadEncoder(bytes, { unitLength: true });
    assert.is(edge.featureDim, tensors.get(FEATURES)!.shape[1]);
    edge.dispose();
  }
  assert.equal([shown.count, shown.classes, shown.labels], [14, ["left", "right"], [...bank.labels!]]);
  assert.equal(
    samples.map(({ label }) => label),
    ["left", "right", "left"],
  );
  const sample = await pixels(readFileSync(join(folder, samples[1].file)));
  assert.equal([...sample.data], [...squareImage(1, { side: 40 }).data]);
});

test("the same parts give the same bytes, and the summary counts them", async () => {
  const [one, two] = [tempFolder(), tempFolder()];
  const summary = await writeShowcase(one, parts);
  await writeShowcase(two, parts);
  const files = readdirSync(one, { recursive: true, encoding: "utf8" }).filter((path) =>
    statSync(join(one, path)).isFile(),
  );
  assert.is(files.length, summary.files);
  let bytes = 0;
  for (const path of files) {
    const text = readFileSync(join(one, path));
    bytes += text.length;
    assert.ok(text.equals(readFileSync(join(two, path))), path);
  }
  assert.is(bytes, summary.bytes);
});

test("text of users stays text, and the policy lets no text be evaluated and nothing come from elsewhere", async () => {
  const folder = tempFolder();
  await writeShowcase(folder, parts);
  const { page } = content(folder);
  assert.ok(page.includes("<h1>&lt;b&gt;&quot;squares&quot; &amp; more&lt;/b&gt;</h1>"));
  const policy = /Content-Security-Policy" content="([^"]+)"/.exec(page)![1];
  assert.match(policy, /default-src &#39;none&#39;/);
  assert.match(policy, /&#39;wasm-unsafe-eval&#39;/);
  assert.not.match(policy, /[^-]unsafe-eval|unsafe-inline|https?:/);
});

test("half precision halves the bundles, and the features are those of the rounded network", async () => {
  const [full, half] = [tempFolder(), tempFolder()];
  await writeShowcase(full, parts);
  await writeShowcase(half, parts, { dtype: "f16" });
  const sizes = [full, half].map((folder) => content(folder).content.networks[1].bundleBytes);
  assert.ok(sizes[1] < 0.75 * sizes[0], `${sizes}`);
  const path = join(half, content(half).content.networks[1].features);
  const { data } = readSafetensors(readFileSync(path), path).tensors.get(FEATURES)!;
  const edge = await loadEncoder(join(half, "networks/16x2.poa"), { unitLength: true });
  assert.equal([...data.subarray(0, 16)], [...edge.embed(await bank.read(0))]);
  edge.dispose();
});
