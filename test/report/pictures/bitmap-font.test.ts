import * as assert from "uvu/assert";
import {
  fitText,
  forEachTextPixel,
  GLYPH_HEIGHT,
  glyphsOf,
  textWidth,
} from "../../../src/report/pictures/bitmap-font.js";
import { test } from "../../support/test.js";

const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));

/** A text as rows of dots. */
function drawn(text: string): string[] {
  const rows = Array.from({ length: GLYPH_HEIGHT }, () => new Array<string>(textWidth(text)).fill("."));
  forEachTextPixel(text, (x, y) => {
    rows[y][x] = "#";
  });
  return rows.map((row) => row.join(""));
}

test("every printable character of ASCII has a picture of its own", () => {
  const pictures = printable.map((character) => drawn(character).join("\n"));
  assert.is(new Set(pictures).size, printable.length);
  for (const [i, glyph] of printable.map((character) => glyphsOf(character)[0]).entries()) {
    if (printable[i] === " ") continue;
    assert.ok(glyph.pixels.length > 0 && glyph.width <= 5, printable[i]);
    assert.ok(glyph.pixels.some(([x]) => x === 0) && glyph.pixels.some(([x]) => x === glyph.width - 1), printable[i]);
    for (const [, y] of glyph.pixels) assert.ok(y >= 0 && y < GLYPH_HEIGHT);
  }
});

test("letters stand beside each other with a free column between them", () => {
  assert.equal(drawn("Ti"), ["#####.#", "..#....", "..#...#", "..#...#", "..#...#", "..#...#", "..#...#", "......."]);
});

test("marks on letters are left out, and what the font lacks is a question mark", () => {
  assert.equal(drawn("é"), drawn("e"));
  assert.equal(drawn("ö…"), drawn("o..."));
  assert.equal(drawn("象"), drawn("?"));
});

test("a text that is too wide loses its middle, and is never wider than asked", () => {
  assert.is(fitText("cat", textWidth("cat")), "cat");
  assert.is(fitText("data_batch_1.bin#4711", textWidth("data_..#4711")), "data_..#4711");
  for (const columns of [0, 1, 5, 12, 20, 40, 100]) {
    const shown = fitText("a rather long name", columns);
    assert.ok(textWidth(shown) <= columns, `${columns}`);
    assert.match(shown, /^(a.*\.\..*|a rather long name|)$/);
  }
});
