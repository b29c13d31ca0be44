import * as assert from "uvu/assert";
import { heatMaps } from "../../src/report/heat-map.js";
import { test } from "../support/test.js";

const network = (name: string) => {
  const [width, ...depths] = name.split("x").map(Number);
  return { name, width, depth: depths.length === 1 ? depths[0] : depths };
};

/** Rows of text of each table, headings first. */
const tables = (markup: string) =>
  [...markup.matchAll(/<table[\s\S]*?<\/table>/g)].map(([table]) =>
    [...table.matchAll(/<tr>([\s\S]*?)<\/tr>/g)].map(([, row]) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, text]) => text.replace(/<[^>]+>/g, "")),
    ),
  );

const values: Record<string, number> = { "8x1": 1, "8x2": 2, "16x1": 3, "16x2": 11 };
const cell = ({ name }: { name: string }) =>
  name in values ? { value: values[name], text: String(values[name]), title: name, marked: name === "16x1" } : null;

test("width is the column and depth the row, deep networks on top", () => {
  const { text } = heatMaps(Object.keys(values).map(network), { caption: "x", cell });
  assert.equal(tables(text), [
    [
      ["2", "2", "11"],
      ["1", "1", "3"],
      ["", "8", "16"],
    ],
  ]);
});

test("shades reach from the least value to the greatest, and a mark is told", () => {
  const { text } = heatMaps(Object.keys(values).map(network), { caption: "x", cell });
  const classes = Object.fromEntries(
    [...text.matchAll(/<td class="([^"]*)" title="([^"]*)"/g)].map(([, c, t]) => [t, c]),
  );
  assert.equal(classes, { "8x1": "h0", "8x2": "h1", "16x1": "h2 marked", "16x2": "h9" });
});

test("one value alone has a shade, one that is not a number has none, and a place without a network is empty", () => {
  const same = heatMaps([network("8x1")], { caption: "", cell: () => ({ value: 4, text: "4", title: "" }) });
  assert.match(same.text, /class="h5"/);
  const odd = heatMaps([network("8x1")], { caption: "", cell: () => ({ value: Number.NaN, text: "–", title: "" }) });
  assert.match(odd.text, /<td class=""/);
  const sparse = heatMaps([network("8x1"), network("16x2")], { caption: "", cell });
  assert.equal(tables(sparse.text)[0].slice(0, 2), [
    ["2", "", "11"],
    ["1", "1", ""],
  ]);
});

test("a ResNet has a map for each width, with its two depths as axes", () => {
  const names = ["64x4x6", "64x4x7", "64x5x6", "96x4x6"];
  const { text } = heatMaps(names.map(network), {
    caption: "n",
    cell: ({ name }) => ({ value: names.indexOf(name), text: String(names.indexOf(name)), title: name }),
  });
  assert.equal(tables(text), [
    [
      ["5", "2", ""],
      ["4", "0", "1"],
      ["", "6", "7"],
    ],
    [
      ["4", "3"],
      ["", "6"],
    ],
  ]);
  assert.match(text, /n, width 96; stage-3 blocks from left to right, stage-2 blocks upwards/);
});
