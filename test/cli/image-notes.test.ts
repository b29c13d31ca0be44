import * as assert from "uvu/assert";
import { imageNotes } from "../../src/cli/image-notes.js";
import { Output } from "../../src/cli/output.js";
import { captured } from "../support/captured.js";
import { test } from "../support/test.js";

test("the first notes are told, and once that there are more", () => {
  const { stdout, stderr } = captured(() => {
    const note = imageNotes(new Output({ json: false, quiet: false }));
    for (let i = 0; i < 9; i++) note(`image ${i}`);
  });
  const told = [0, 1, 2, 3, 4].map((i) => `image ${i}\n`).join("");
  assert.is(stderr, `${told}more images have names that say another format; poa check lists them\n`);
  assert.is(stdout, "");
});
