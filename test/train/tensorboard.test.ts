import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { EVENT_FILE, EventFile } from "../../src/train/tensorboard.js";
import { readEvents } from "../support/event-files.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

/** Events of each file of a folder, in the order in which TensorBoard reads them. */
const eventsIn = (folder: string) =>
  readdirSync(folder)
    .sort()
    .map((name) => {
      assert.match(name, EVENT_FILE);
      return readEvents(readFileSync(join(folder, name)));
    });

test("a file begins with its version, and each step is an event with its scalars and the time", () => {
  const folder = join(tempFolder(), "tensorboard");
  const before = Date.now() / 1000;
  const file = new EventFile(folder, 0);
  file.addScalars(0, [
    ["lr", 0.5],
    ["größe", -2],
  ]);
  file.addScalars(1, [["lr", 1e-30]]);
  file.addScalars(2 ** 40, [["lr", Number.NaN]]);
  const [[first, ...rest]] = eventsIn(folder);
  assert.is(first.fileVersion, "brain.Event:2");
  assert.equal(
    rest.map(({ step, scalars }) => [step, scalars]),
    [
      [
        0,
        [
          ["lr", 0.5],
          ["größe", -2],
        ],
      ],
      [1, [["lr", Math.fround(1e-30)]]],
      [2 ** 40, [["lr", Number.NaN]]],
    ],
  );
  for (const { wallTime } of [first, ...rest]) assert.ok(wallTime >= before - 1 && wallTime <= Date.now() / 1000 + 1);
});

test("a file that begins later says from which step on it replaces others", () => {
  const folder = tempFolder();
  new EventFile(folder, 0).addScalars(0, [["lr", 1]]);
  new EventFile(folder, 7).addScalars(7, [["lr", 2]]);
  const [first, second] = eventsIn(folder);
  assert.is(first.length, 2);
  assert.equal(
    second.map(({ step, sessionStatus }) => [step, sessionStatus]),
    [
      [0, undefined],
      [7, 1],
      [7, undefined],
    ],
  );
});

test("files that begin in the same second do not overwrite each other", () => {
  const folder = tempFolder();
  for (let i = 0; i < 3; i++) new EventFile(folder, 0);
  assert.is(readdirSync(folder).length, 3);
});
