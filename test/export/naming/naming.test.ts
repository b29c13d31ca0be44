import * as assert from "uvu/assert";
import { namingOf } from "../../../src/export/naming/naming.js";
import { test } from "../../support/test.js";

const { ours, theirs } = namingOf([
  ["a.#.b.*", "x.#.y.*"],
  ["l_#.#.in_*", "m.#.n.#.*"],
  ["one", "uno"],
]);

test("a table of names translates both ways, numbers and last words kept", () => {
  for (const [their, our] of [
    ["a.12.b.weight", "x.12.y.weight"],
    ["l_3.4.in_running_mean", "m.3.n.4.running_mean"],
    ["one", "uno"],
  ]) {
    assert.is(ours(their), our);
    assert.is(theirs(our), their);
  }
});

test("names that no row covers whole have no translation", () => {
  for (const name of [
    "a.12.b",
    "a.x.b.weight",
    "aa.1.b.weight",
    "a.1.b.weight.more",
    "a.1.b.we-ight",
    "axb",
    "",
    "uno",
  ])
    assert.is(ours(name), undefined, name);
});
