import * as assert from "uvu/assert";
import { outlineOf, received, sent } from "../../src/data/crew-messages.js";
import { DataError } from "../../src/errors.js";
import { test } from "../support/test.js";

test("an error keeps class, message and stack on its way, whatever was thrown", () => {
  const error = new DataError("a.png: is empty.");
  const back = received(structuredClone(sent(error)));
  assert.instance(back, DataError);
  assert.equal([back.message, back.stack], [error.message, error.stack]);
  const foreign = received(structuredClone(sent(new RangeError("a bug"))));
  assert.equal([foreign.name, foreign.message], ["RangeError", "a bug"]);
  assert.is(received(sent("a text")).message, "a text");
});

test("an outline tells sources apart that lack an image anywhere", () => {
  const names = Array.from({ length: 5000 }, (_, i) => `image ${i}`);
  const outline = (list: readonly string[]) => outlineOf({ length: list.length, path: (i) => list[i] });
  assert.is(outline(names).paths.length, 1024);
  assert.is(outline(names).paths.at(-1), "image 4999");
  assert.equal(outline(names.slice(0, 3)).paths, names.slice(0, 3));
  for (const left of [0, 2500, 4999]) {
    const other = [...names.filter((_, i) => i !== left), "one more"];
    assert.not.equal(outline(other), outline(names));
  }
  assert.equal(outline([]), { length: 0, paths: [] });
});
