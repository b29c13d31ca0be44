import * as assert from "uvu/assert";
import { timeCalls } from "../../../../src/report/showcase/client/latency.js";
import { test } from "../../../support/test.js";

/** A clock with ticks of that many milliseconds, and calls that each take `ms`. */
function workshop(ms: number, tick: number) {
  let time = 0;
  let calls = 0;
  return {
    call: () => {
      time += ms;
      calls++;
    },
    now: () => Math.floor(time / tick) * tick,
    calls: () => calls,
  };
}

test("the time of a call is found even where a clock's tick is longer than the call", () => {
  for (const ms of [0.02, 0.3, 4]) {
    const { call, now } = workshop(ms, 1);
    const timings = timeCalls(call, now);
    assert.is(timings.length, Math.min(20, Math.max(3, timings.length)));
    for (const timing of timings) assert.ok(Math.abs(timing - ms) < 0.2 * ms, `${timing}, not ${ms}`);
  }
});

test("a slow call is timed a few times, and warmed by one", () => {
  const { call, now, calls } = workshop(500, 0.1);
  assert.equal(timeCalls(call, now), [500, 500, 500]);
  assert.is(calls(), 4);
});
