import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { decode } from "../../src/data/decode.js";
import { discFolder } from "../support/mask-folder.js";
import { expectCode, expectExit, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
discFolder(join(cwd, "discs", "train"), 8);
discFolder(join(cwd, "discs", "val"), 4, { first: 20 });
await expectCode(0, tinyPretrain, { cwd });

const segment = (...args: string[]) => ["eval", "segment", "run", "--data", "discs", ...args];
const short = ["--iterations", "3", "--batch", "4", "--crop", "16", "--json"];

interface Result {
  [key: string]: unknown;
  meanIou: number;
  iou: number[];
  interval: { low: number; high: number };
  foreground: { iou: number; imageIou: number };
  confusion: number[][];
}

test("the result holds the mean IoU with its interval, of foreground too, and a line for each step goes before", async () => {
  const { result, events } = await expectExit(0, segment(...short, "--baselines"), { cwd });
  const own = result as Result;
  assert.is(events.filter(({ event }) => event === "step").length, 3);
  assert.equal(
    [own.network, own.head, own.classes, own.masks, own.tuned, own.iterations, own.train, own.test, own.size, own.crop],
    ["16x2", "linear", 2, "classes", false, 3, 8, 4, 32, 16],
  );
  assert.ok(own.interval.low <= own.meanIou && own.meanIou <= own.interval.high);
  assert.ok(Math.abs(own.meanIou - (own.iou[0] + own.iou[1]) / 2) < 1e-12);
  assert.is(own.iou[1], own.foreground.iou);
  assert.is(
    own.confusion.flat().reduce((sum, count) => sum + count, 0),
    4 * 32 * 32,
  );
  const { otsu } = own.baselines as { otsu: Result };
  assert.is(otsu.foreground.iou, 1, "the discs are brighter than all noise");
});

test("equal seeds give equal results, and other ones others", async () => {
  const run = async (seed: string) => {
    const { seconds: _, ...result } = (await expectCode(0, segment(...short, "--seed", seed), { cwd })).result;
    return result;
  };
  assert.equal(await run("1"), await run("1"));
  assert.not.equal(await run("1"), await run("2"));
});

test("a head that was saved is used again without training, and a tuned encoder with it", async () => {
  const tuned = segment(
    ...short,
    "--head",
    "upernet",
    "--channels",
    "4",
    "--tune-backbone",
    "--out",
    "tuned.safetensors",
  );
  const { result } = await expectCode(0, tuned, { cwd });
  assert.equal([result.head, result.tuned, result.file], ["upernet", true, "tuned.safetensors"]);
  const only = ["eval", "segment", "run", "--data", "discs/val", "--head", "tuned.safetensors", "--json"];
  const again = await expectCode(0, only, { cwd });
  assert.equal([again.result.train, again.result.iterations, again.result.tuned, again.result.crop], [0, 0, true, 16]);
  assert.equal(again.result.confusion, result.confusion);
  const other = await expectCode(0, ["eval", "segment", "tuned.safetensors", "--data", "discs", ...short], { cwd });
  assert.is(other.result.head, "linear");
});

test("a picture shows some of the test images three times each", async () => {
  const { stdout } = await expectCode(
    0,
    segment("--iterations", "2", "--crop", "16", "--preview", "seen.png", "--baselines"),
    { cwd },
  );
  assert.match(stdout, /^ +mean IoU +95 % +pixels right +foreground IoU/);
  assert.match(stdout, /^network 16x2 .*\nOtsu's threshold +100\.0 /m);
  const { image } = await decode(readFileSync(join(cwd, "seen.png")));
  assert.equal([image.width, image.height], [3 * 32 + 8, 4 * 32 + 12]);
});

test("instances and classes are told apart, or as is said", async () => {
  discFolder(join(cwd, "white", "train"), 4, { value: 255 });
  discFolder(join(cwd, "white", "test"), 2, { value: 255 });
  const args = ["eval", "segment", "run", "--data", "white", "--iterations", "1", "--crop", "16", "--json"];
  const auto = await expectCode(0, args, { cwd });
  assert.is(auto.result.masks, "foreground");
  assert.match(auto.stderr, /masks hold 0 and 255 alone: all above 0 is foreground/);
  const said = await expectCode(0, [...args, "--classes", "3"], { cwd });
  assert.equal([said.result.masks, said.result.classes], ["classes", 3]);
  assert.is((said.result as Result).iou.length, 3);
});

test("broken images are left out with a warning, or end it with --strict", async () => {
  discFolder(join(cwd, "broken", "train"), 3);
  discFolder(join(cwd, "broken", "val"), 2);
  for (const split of ["train", "val"]) writeFileSync(join(cwd, "broken", split, "images", "000.png"), "broken");
  const args = ["eval", "segment", "run", "--data", "broken", "--iterations", "2", "--json"];
  const { result, stderr } = await expectCode(0, args, { cwd });
  assert.equal([result.size, result.test], [32, 1]);
  assert.is(stderr.match(/^warning: .*000\.png/gm)?.length, 2);
  await expectCode(3, [...args, "--strict"], { cwd });
});

test("what is wrong has its message and exit code", async () => {
  for (const [code, args, message] of [
    [2, ["--head", "mlp"], /--head is "mlp", expected linear, upernet or the file of a head/],
    [2, ["--crop", "18"], /--crop is 18, expected a multiple of the encoder's patches of 4 pixels/],
    [2, ["--lr", "0"], /--lr is "0", expected a number above 0/],
    [2, ["--binary", "--classes", "3"], /--binary and --classes exclude each other/],
    [2, ["--classes", "256"], /--classes is 256, expected at most 255/],
    [2, ["--classes", "3", "--baselines"], /--baselines tells foreground from background, but there are 3 classes/],
    [2, ["--out", "missing/head.safetensors"], /--out missing\/head.safetensors: the folder missing does not exist/],
    [3, ["--test", "images"], /has no test split/],
  ] as const) {
    assert.match((await expectCode(code, segment(...args), { cwd })).stderr, message);
  }
  assert.not.ok(existsSync(join(cwd, "missing")));
  const named = ["eval", "segment", "run", "--data", "discs#train"];
  assert.match((await expectCode(2, named, { cwd })).stderr, /names one split/);
  assert.match(
    (await expectCode(2, ["eval", "segment", "run", "--data", "mnist"], { cwd })).stderr,
    /mnist has no masks/,
  );
});
