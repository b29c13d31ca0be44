import * as assert from "uvu/assert";
import { Trace } from "../../src/runtime/trace.js";
import { test } from "../support/test.js";

test("events are told in microseconds from the origin, outer ones before inner ones", () => {
  const trace = new Trace(8);
  const [a, b] = [trace.nameId("a"), trace.nameId("b")];
  assert.is(trace.nameId("a"), a);
  trace.add("kernel", b, 11, 11.5);
  trace.add("kernel", b, 10, 10.25);
  trace.add("phase", a, 10, 12);
  const { displayTimeUnit, traceEvents } = trace.toChrome(9);
  assert.is(displayTimeUnit, "ms");
  const common = { ph: "X", pid: 1, tid: 1 };
  assert.equal(traceEvents, [
    { ...common, name: "a", cat: "phase", ts: 1000, dur: 2000 },
    { ...common, name: "b", cat: "kernel", ts: 1000, dur: 250 },
    { ...common, name: "b", cat: "kernel", ts: 2000, dur: 500 },
  ]);
});

test("of more events than it has room for, a trace keeps the last", () => {
  const trace = new Trace(3);
  const id = trace.nameId("k");
  for (let i = 0; i < 8; i++) trace.add("kernel", id, i, i + 1);
  assert.equal(
    trace.toChrome(0).traceEvents.map(({ ts }) => ts),
    [5000, 6000, 7000],
  );
  assert.equal(new Trace(3).toChrome(0).traceEvents, []);
});
