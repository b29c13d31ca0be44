import * as assert from "uvu/assert";
import { drawTiles, sideBySide, TileLayout } from "../../../src/report/pictures/tile-sheet.js";
import { test } from "../../support/test.js";

const tile = (value: number, side = 10) => ({
  image: { width: side, height: side, channels: 3, data: new Uint8Array(side * side * 3).fill(value) },
});

test("each tile lies where the layout says, framed and labelled outside of its pixels", () => {
  const table = {
    headings: ["a", "b"],
    rows: [[tile(10), { ...tile(20), frame: [1, 2, 3] as const, label: "x" }], [tile(30)]],
    side: 10,
  };
  const { width, height, data } = drawTiles(table);
  const layout = new TileLayout(table);
  assert.equal([width, height], [layout.width, layout.height]);
  const pixel = (x: number, y: number) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
  for (const [row, column, value] of [
    [0, 0, 10],
    [0, 1, 20],
    [1, 0, 30],
  ]) {
    const box = layout.at(row, column);
    for (const [dx, dy] of [
      [0, 0],
      [9, 9],
    ])
      assert.equal(pixel(box.x + dx, box.y + dy), [value, value, value]);
  }
  const framed = layout.at(0, 1);
  assert.equal(pixel(framed.x - 1, framed.y), [1, 2, 3]);
  assert.equal(pixel(framed.x + 12, framed.y + 12), [1, 2, 3]);
  const plain = layout.at(1, 0);
  assert.equal(pixel(plain.x - 1, plain.y), [255, 255, 255]);
  const below = Array.from({ length: 16 * 10 }, (_, i) =>
    pixel(framed.x + (i % 10), framed.y + 15 + Math.floor(i / 10)),
  );
  assert.ok(
    below.some(([r]) => r < 100),
    "the label is there",
  );
});

test("many short rows go beside each other, few or long ones stay as they are", () => {
  const rows = Array.from({ length: 7 }, (_, i) => [tile(i), tile(i)]);
  const table = sideBySide({ headings: ["a", "b"], rows, side: 10 });
  assert.equal(table.headings, ["a", "b", "a", "b"]);
  assert.equal(
    table.rows.map((row) => row.map(({ image }) => image.data[0])),
    [
      [0, 0, 4, 4],
      [1, 1, 5, 5],
      [2, 2, 6, 6],
      [3, 3],
    ],
  );
  assert.equal(sideBySide({ rows: rows.slice(0, 4), side: 10 }).rows.length, 4);
  const long = Array.from({ length: 7 }, () => Array.from({ length: 8 }, () => tile(1)));
  assert.equal(sideBySide({ rows: long, side: 10 }).rows.length, 7);
});
