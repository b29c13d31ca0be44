import * as assert from "uvu/assert";
import { Columns } from "../../src/report/columns.js";
import { curves } from "../../src/report/curves.js";
import { test } from "../support/test.js";

function columnsOf(values: readonly number[]): Columns {
  const columns = new Columns();
  values.forEach((a, iteration) => {
    columns.append(iteration, { a });
  });
  return columns;
}

const options = { id: "a", title: "a", caption: "", series: new Map([["a", "A"]]) };

test("a short run is drawn step by step", () => {
  const { x, series } = curves(columnsOf([3, 1, Number.NaN, 2]), options);
  assert.equal(x, [0, 1, 2, 3]);
  assert.equal(series, [{ label: "A", values: [3, 1, null, 2] }]);
});

test("a run without steps is an empty curve", () => {
  assert.equal(curves(new Columns(), options).x, []);
});

test("points of a long run are means between the least and the greatest value, and no spike is lost", () => {
  const values = Array.from({ length: 1000 }, (_, i) => i);
  values[501] = 1e6;
  values[777] = -5;
  const { x, series } = curves(columnsOf(values), options);
  const [{ values: means, range }] = series;
  assert.is(x.length, 200, "groups of five");
  assert.equal(x.slice(0, 3), [2, 7, 12]);
  assert.equal(means.slice(0, 3), [2, 7, 12]);
  assert.equal(range!.low.slice(0, 3), [0, 5, 10]);
  assert.equal(range!.high.slice(0, 3), [4, 9, 14]);
  assert.is(Math.max(...(range!.high as number[])), 1e6);
  assert.is(Math.min(...(range!.low as number[])), -5);
});

test("the number of points stays bounded however long a run is, also in its last, shorter group", () => {
  for (const length of [239, 240, 241, 479, 481, 99_999]) {
    const { x, series } = curves(columnsOf(Array.from({ length }, (_, i) => i)), options);
    assert.ok(x.length <= 240 && x.length >= Math.min(length, 120), `${length}: ${x.length}`);
    assert.is(series[0].values.length, x.length);
    assert.ok(x.every((value, i) => i === 0 || value > x[i - 1]));
    if (series[0].range) assert.is(series[0].range.high.at(-1), length - 1);
  }
});

test("numbers that are not finite count neither as mean nor as edge, and a group of them is a gap", () => {
  const values = Array.from({ length: 480 }, (_, i) => (i < 2 || i === 4 ? Number.NaN : i));
  const [{ values: means, range }] = curves(columnsOf(values), options).series;
  assert.equal([means[0], range!.low[0], range!.high[0]], [null, null, null]);
  assert.equal([means[2], range!.low[2], range!.high[2]], [5, 5, 5]);
});

test("numbers are shortened to what can be seen", () => {
  assert.equal(curves(columnsOf([Math.PI * 1e-7]), options).series[0].values, [3.14159e-7]);
});
