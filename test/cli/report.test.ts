import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { expectCode, tinyPretrain, workshop } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const cwd = workshop();
await expectCode(0, tinyPretrain, { cwd });

test("a report is one file, in the run folder unless named", async () => {
  const { result, stdout } = await expectCode(0, ["report", "run", "--json"], { cwd });
  assert.is(stdout.split("\n").length, 2);
  const { event, file, bytes, iterations, pictures } = result;
  assert.equal([event, file, iterations, pictures], ["result", join("run", "report.html"), 8, 0]);
  assert.is(statSync(join(cwd, "run", "report.html")).size, bytes);
  const { stdout: text } = await expectCode(0, ["report", "run", "--out", "named.html"], { cwd });
  assert.match(text, /^named\.html: \d+ KiB\n$/);
  assert.ok(readFileSync(join(cwd, "named.html"), "utf8").includes("distill_local_crops_loss"));
});

test("with images the report has crops, attention, features and neighbours of a network, and stays below 2 MB", async () => {
  const args = ["report", "run", "--data", "images", "--net", "8x1", "--out", "pictures.html", "--json"];
  const { result } = await expectCode(0, args, { cwd });
  assert.is(result.pictures, 4);
  const page = readFileSync(join(cwd, "pictures.html"), "utf8");
  assert.is(page.match(/<img src="data:image\/png;base64,/g)!.length, 4);
  assert.match(page, /last block of 8x1/);
  assert.ok((result.bytes as number) < 2_000_000);
});

test("what is wrong has its message and exit code, and leaves no file", async () => {
  const empty = tempFolder();
  for (const [code, args, message] of [
    [2, [], /RUN is missing/],
    [3, ["nothing"], /nothing is no run \(no config\.yaml\)/],
    [3, [empty], /is no run/],
    [2, ["run", "--out", "missing/x.html"], /folder missing does not exist/],
    [2, ["run", "--out", "images"], /is a folder/],
    [3, ["run", "--out", "x.html", "--data", "missing"], /missing does not exist/],
    [2, ["run", "--out", "x.html", "--data", "images", "--net", "9x9"], /Nearest:/],
  ] as const) {
    assert.match((await expectCode(code, ["report", ...args], { cwd })).stderr, message);
  }
  assert.not.ok(existsSync(join(cwd, "x.html")));
});
