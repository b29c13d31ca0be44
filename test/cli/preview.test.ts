import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { pixels } from "../support/image-fixtures.js";
import { expectCode, expectExit, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
const preview = (...args: string[]) => ["preview", "--config", "tiny.yaml", "--data", "images", ...args];
const picture = (file: string) => pixels(readFileSync(join(cwd, file)));

test("a picture of crops and masks is written, and the result says what it shows", async () => {
  const { result, events } = await expectExit(0, preview("--out", "a.png", "--images", "3", "--json"), { cwd });
  assert.is(events.length, 1);
  assert.equal([result.event, result.file, result.iteration], ["result", "a.png", 0]);
  const { width, height } = await picture("a.png");
  assert.equal([result.width, result.height], [width, height]);
  assert.match(
    String(result.caption),
    /^Step 0, seed 0: 3 images, each with two global crops of 16 pixels and 2 local/,
  );
});

test("settings, seed and step change what is drawn; the same gives the same picture", async () => {
  const drawn = async (...args: string[]) => {
    await expectCode(0, preview("--out", "b.png", ...args), { cwd });
    return (await picture("b.png")).data;
  };
  const usual = await drawn();
  assert.equal(await drawn(), usual);
  for (const other of [
    ["--seed", "4"],
    ["--iteration", "3"],
    ["crops.flip_probability=1", "crops.jitter_probability=0"],
  ])
    assert.not.equal(await drawn(...other), usual, other.join(" "));
});

test("what is wrong has its message and exit code, and no file is left", async () => {
  for (const [code, args, message] of [
    [2, ["--out", "c.jpg"], /ends in \.png/],
    [2, ["--out", "none/c.png"], /the folder none does not exist/],
    [2, ["--out", "c.png", "--images", "0"], /--images is "0"/],
    [2, ["--out", "c.png", "--iteration", "8"], /step 8 is not one of the 8/],
    [2, ["--out", "c.png", "crops.nonsense=1"], /nonsense/],
    [3, ["--out", "c.png", "train.batch_size_per_gpu=99"], /16 images do not fill a batch of 99|fewer than one step/],
  ] as const) {
    assert.match((await expectCode(code, preview(...args), { cwd })).stderr, message);
  }
  assert.not.ok(existsSync(join(cwd, "c.png")) || existsSync(join(cwd, "c.jpg")));
});
