import { existsSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import * as assert from "uvu/assert";
import { mixedFolder } from "../support/mixed-folder.js";
import { assertDecodedAsExpected, expectedImages } from "../support/odd-images.js";
import { expectExit, workshop } from "../support/program.js";
import { leaveOut, test } from "../support/test.js";

/** The whole collection of which test/fixtures/images holds the small files. */
const whole = resolve(process.env.POA_DATA ?? "", "odd-images");

const withCollection: typeof test = existsSync(join(whole, "expected.csv"))
  ? test
  : (name) => leaveOut(name, "POA_DATA names no folder with odd-images");

withCollection("every file of the whole collection is read as Pillow reads it or refused, in less than 100 MB", () => {
  assert.ok(expectedImages(whole).length > 160);
  assertDecodedAsExpected(whole);
});

withCollection(
  "a run over the whole collection among good images ends well, and names each broken file once",
  async () => {
    const { folder, settings, files } = mixedFolder((path) => symlinkSync(whole, join(path, "odd")));
    const args = ["pretrain", "--config", "tiny.yaml", "--data", folder, "--out", "run", "--json"];
    const { result, stderr } = await expectExit(0, [...args, ...settings], { cwd: workshop() });
    const refused = expectedImages(whole).filter(({ decodes }) => !decodes);
    assert.equal([result.imagesSeen, result.broken], [files, refused.length]);
    for (const { path } of refused)
      assert.is(stderr.split(`warning: ${join(folder, "odd", path)}: `).length, 2, `${path}\n${stderr}`);
  },
  { timeoutMs: 120_000 },
);
