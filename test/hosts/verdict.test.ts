import * as assert from "uvu/assert";
import { test } from "../support/test.js";
import type { Conformance } from "./conformance.js";
import { expectedHashes } from "./expected.js";
import { joined, markdownTable, withBlock } from "./table.js";
import { columns, verdictOf } from "./verdict.js";

const hashes = expectedHashes();
const good: Conformance = {
  ...{ kernels: 1e-6, step: 1e-7, extraction: 0, hashes, sharedHashes: hashes, threads: 2 },
  threadsProblem: null,
};
const alone = { ...good, sharedHashes: null, threads: 1, threadsProblem: "no memory is shared" };

const failing = (found: Conformance, threads: "promised" | "impossible" | "open" = "promised") => {
  const verdict = verdictOf({ threads }, found, hashes);
  return columns.filter((column) => !verdict[column].ok);
};

test("a host passes with small differences and the committed hashes", () => assert.equal(failing(good), []));

test("a larger difference, another bit and a missing thread each fail their own check", () => {
  const other = { ...hashes, "swin-tiny": hashes["vit-tiny"] };
  assert.equal(failing({ ...good, kernels: 1e-3 }), ["kernels"]);
  assert.equal(failing({ ...good, step: Number.NaN }), ["ViT steps"]);
  assert.equal(failing({ ...good, extraction: 1e-4 }), ["extraction"]);
  assert.equal(failing({ ...good, hashes: other }), ["50 steps"]);
  assert.equal(failing({ ...good, sharedHashes: other }), ["50 steps, threads"]);
  assert.equal(failing(alone), ["50 steps, threads"]);
});

test("one thread is enough where threads are not promised, and threads are wrong where none can be", () => {
  assert.equal(failing(alone, "open"), []);
  assert.equal(failing(alone, "impossible"), []);
  assert.equal(failing(good, "impossible"), ["50 steps, threads"]);
});

test("a row for several places shows a failure of any of them", () => {
  const row = (name: string, found: Conformance) => ({
    ...{ name, version: "1" },
    verdict: verdictOf({ threads: "open" }, found, hashes),
  });
  const both = joined("both", [row("a", { ...good, kernels: 1 }), row("b", good)]);
  assert.match(markdownTable("host", [both]), /\| both \| 1 \| ✗ 1\.0e\+0 \| ✓ /);
});

test("a block of a document is replaced, and the rest stays", () => {
  const before = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n";
  assert.is(withBlock(before, "x", "new"), "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb\n");
  assert.throws(() => withBlock(before, "y", "new"), /has no <!-- y -->/);
});
