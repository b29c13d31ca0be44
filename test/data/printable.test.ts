import * as assert from "uvu/assert";
import { hintOnName, printable } from "../../src/data/printable.js";
import { test } from "../support/test.js";

test("letters of any script, blanks and emoji stay; what would change the line becomes an escape", () => {
  for (const name of ["ünï cödé.png", "写真 1.jpg", "שלום.webp", "👩‍🚀.png", 'quo"te\\.png'])
    assert.is(printable(name), name);
  assert.is(printable("a\nb\r\tc\u0000.png"), "a\\u000ab\\u000d\\u0009c\\u0000.png");
  assert.is(printable("red\u001b[31m.png"), "red\\u001b[31m.png");
  assert.is(printable("line\u2028and\u2029.png"), "line\\u2028and\\u2029.png");
  assert.is(printable("photo\u202egnp.exe"), "photo\\u202egnp.exe");
  assert.is(printable("\u0085next"), "\\u0085next");
});

test("a name that is no UTF-8 has the hint to rename it, another one to look for it", () => {
  assert.is(hintOnName("caf\ufffd.png"), "Its name is not UTF-8; rename it.");
  assert.is(hintOnName("café.png"), "Was it moved or deleted?");
});
