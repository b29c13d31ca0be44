import * as assert from "uvu/assert";
import type { Gate } from "../../bench/gates.js";
import { gates } from "../../bench/gates.js";
import { allCases } from "../../bench/peers/cases.js";
import { type CaseResult, type Comparison, measuredAgain } from "../../bench/peers/results.js";
import { document, withTables } from "../../bench/peers/tables.js";
import { verdicts } from "../../bench/peers/verdicts.js";
import { test } from "../support/test.js";

const gate: Gate = {
  name: "products : best peer",
  cases: /^product/,
  measure: { kind: "ratio", column: "ours", against: ["tfjs", "jax"] },
  required: 1.2,
  unit: "x",
};

const result = (columns: CaseResult["columns"], name = "product NN"): CaseResult => ({
  name,
  group: "product",
  columns,
});

function comparison(cases: readonly CaseResult[]): Comparison {
  const machine = { machine: "a machine", date: "2026-01-01", rounds: 3, clock: "wall", pinned: true, idleCores: 2 };
  return { ...machine, versions: { ours: { node: "20" } }, absent: { tfjs: "not installed" }, cases } as Comparison;
}

const ours = { column: "ours", peer: "ours", rates: [40, 20, 44] } as const;

test("a ratio is the median over rounds, against the fastest peer, of rounds in which both ran", () => {
  const columns = [
    ours,
    { column: "tfjs", peer: "tfjs", rates: [20, 20, 20] },
    { column: "jax", peer: "jax", rates: [30, null, 32] },
  ] as const;
  const [verdict] = verdicts([gate], comparison([result(columns)]));
  assert.is(verdict.value, (40 / 30 + 44 / 32) / 2);
  assert.is(verdict.state, "pass");
  assert.is(verdict.note, "against jax, 2 rounds");
  assert.is(verdicts([{ ...gate, required: 1.5 }], comparison([result(columns)]))[0].state, "fail");
});

test("what has no rates is not measured, with the peer's reason", () => {
  const absent = { column: "tfjs", peer: "tfjs", rates: [], absent: "not installed" } as const;
  const [verdict] = verdicts([gate], comparison([result([ours, absent])]));
  assert.is(verdict.state, "not measured");
  assert.match(verdict.note, "tfjs: not installed");
  assert.is(verdicts([gate], comparison([]))[0].state, "not measured");
});

test("a bound from above holds for times and memory", () => {
  const figure = { ...ours, figures: { rssMiB: 900 } };
  const bound = { ...gate, measure: { kind: "figure", column: "ours", figure: "rssMiB" }, atMost: true } as const;
  const state = (required: number) => verdicts([{ ...bound, required }], comparison([result([figure])]))[0].state;
  assert.equal([state(1000), state(800)], ["pass", "fail"]);
  const overhead = { ...bound, measure: { kind: "microseconds", column: "ours" }, required: 0.025 } as const;
  assert.is(verdicts([overhead], comparison([result([ours])]))[0].value, 1 / 40);
});

test("every gate has a case to be measured in, and names are given once", () => {
  const names = allCases().map(({ name }) => name);
  assert.is(new Set(names).size, names.length);
  for (const { name, cases, measure } of gates) {
    const concerned = allCases().filter((one) => cases.test(one.name));
    assert.ok(concerned.length > 0, name);
    for (const { entries } of concerned) {
      const columns = entries.map(({ column }) => column);
      assert.ok(columns.includes(measure.column), `${name}: ${measure.column}`);
      const others = measure.kind === "ratio" ? measure.against : [measure.column];
      assert.ok(
        others.some((column) => columns.includes(column)),
        `${name}: ${others}`,
      );
    }
  }
});

test("tables replace what stands between the markers, and say what is missing", () => {
  const absent = { column: "tfjs", peer: "tfjs", rates: [], absent: "wrong: 9 of 16 sampled numbers differ" } as const;
  const text = document(comparison([result([ours, absent], "product NN 512x512x512")]), gates);
  assert.match(text, "| product NN 512x512x512 | 40.0 (44.0) |");
  assert.match(text, "tfjs-wasm: wrong: 9 of 16 sampled numbers differ");
  const page = "before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter";
  assert.is(withTables(page, "new"), "before\n<!-- measured: begin -->\n\nnew\n\n<!-- measured: end -->\nafter");
  assert.throws(() => withTables("no markers", "new"), /no lines/);
});

test("cases that are measured again take the places of their namesakes in a kept run", () => {
  const [slow, fast] = [10, 20].map((rate) => [{ column: "ours", peer: "ours", rates: [rate, rate] }] as const);
  const kept = comparison([result(slow, "a"), result(slow, "b")]);
  const again = { ...comparison([result(fast, "b"), result(fast, "c")]), date: "2026-01-02", idleCores: 1.9 };
  const joined = measuredAgain(kept, again);
  assert.equal(
    joined.cases.map(({ name, columns }) => [name, columns[0].rates[0]]),
    [
      ["a", 10],
      ["b", 20],
      ["c", 20],
    ],
  );
  assert.equal([joined.date, joined.idleCores], ["2026-01-02", 1.9]);
  assert.throws(() => measuredAgain(kept, { ...again, machine: "another" }), /machine a machine, this one another/);
  const versions = { ours: { node: "24" } } as Comparison["versions"];
  assert.throws(() => measuredAgain(kept, { ...again, versions }), /ours had other versions/);
});
