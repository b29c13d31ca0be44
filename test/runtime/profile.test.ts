import * as assert from "uvu/assert";
import { dispose, init } from "../../src/runtime/context.js";
import { kernels } from "../../src/runtime/launch.js";
import { Profile, phase } from "../../src/runtime/profile.js";
import { full } from "../../src/tensor/create.js";
import { test } from "../support/test.js";

/** Keeps the processor busy for so many milliseconds. */
function spend(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const callsOf = (entries: readonly { name: string; calls: number }[]) =>
  entries.map(({ name, calls }) => [name, calls]);

test("kernel calls inside phases are counted and timed, and compute what they did before", async () => {
  await init();
  full([4], 1);
  const profile = new Profile();
  assert.equal(profile.costs(), { elapsedMs: 0, kernelShare: 0, phases: [], kernels: [] });
  full([4], 1); // outside of every phase
  const x = phase("outer", () => {
    for (let i = 0; i < 9; i++) full([4], 3);
    return phase("inner", () => full([1 << 16], 2));
  });
  assert.is(x.toArray()[65535], 2);
  const costs = profile.costs();
  assert.equal(callsOf(costs.kernels), [["fill_f32", 10]]);
  assert.equal(callsOf(costs.phases), [
    ["outer", 1],
    ["inner", 1],
  ]);
  const [outer, inner] = costs.phases;
  assert.ok(inner.kernelMs > 0 && inner.elapsedMs >= inner.kernelMs);
  assert.ok(Math.abs(outer.kernelMs + inner.kernelMs - costs.kernels[0].elapsedMs) < 1e-9);
  assert.ok(Math.abs(costs.kernelShare - costs.kernels[0].elapsedMs / costs.elapsedMs) < 1e-9);
  profile.stop();
});

test("a phase is charged for its own time, not for that of the phases inside it", async () => {
  await init();
  const profile = new Profile();
  const start = performance.now();
  phase("step", () => {
    phase("first", () => spend(20));
    spend(5);
    phase("second", () => spend(10));
    phase("first", () => spend(20));
  });
  const wallMs = performance.now() - start;
  profile.stop();
  const { phases, elapsedMs, kernelShare } = profile.costs();
  assert.equal(callsOf(phases), [
    ["first", 2],
    ["second", 1],
    ["other", 1],
  ]);
  const [first, second, other] = phases.map((cost) => cost.elapsedMs);
  assert.ok(first >= 40 && second >= 10 && other >= 5);
  assert.ok(elapsedMs <= wallMs, `${elapsedMs} of ${wallMs} ms`);
  assert.ok(Math.abs(first + second + other - elapsedMs) < 1e-9);
  assert.is(kernelShare, 0);
});

test("a phase that waits lasts until it has what it waited for", async () => {
  await init();
  const profile = new Profile();
  const wait = () => phase("wait", () => new Promise<number>((resolve) => setTimeout(() => resolve(7), 30)));
  const start = performance.now();
  assert.is(await phase("step", async () => await wait()), 7);
  const wallMs = performance.now() - start;
  profile.stop();
  const [waited, other] = profile.costs().phases;
  assert.equal([waited.name, other.name], ["wait", "other"]);
  assert.ok(waited.elapsedMs > 25);
  assert.ok(waited.elapsedMs + other.elapsedMs <= wallMs);
});

test("a phase that throws ends, whether at once or later", async () => {
  await init();
  const profile = new Profile();
  assert.throws(() =>
    phase("step", () => {
      throw new Error("at once");
    }),
  );
  let message = "";
  await phase("step", () => Promise.reject(new Error("later"))).catch((error: Error) => {
    message = error.message;
  });
  assert.is(message, "later");
  assert.equal(callsOf(profile.costs().phases), [["other", 2]]);
  full([4], 1);
  assert.equal(profile.costs().kernels, []);
  profile.stop();
});

test("without a profile a phase is its function, and after one the kernels are those of before", async () => {
  await init();
  const before = kernels;
  const profile = new Profile();
  assert.is.not(kernels, before);
  profile.stop();
  assert.is(kernels, before);
  phase("step", () => full([4], 1));
  assert.equal(profile.costs().phases, []);
});

test("a new runtime is not measured, and is left alone when the profile stops", async () => {
  await init();
  const profile = new Profile();
  dispose();
  await init();
  const bound = kernels;
  phase("step", () => full([4], 1));
  profile.stop();
  assert.is(kernels, bound);
  assert.equal(profile.costs().kernels, []);
});

test("a second profile takes the place of the first", async () => {
  await init();
  const before = kernels;
  const [first, second] = [new Profile(), new Profile()];
  phase("step", () => full([4], 1));
  assert.equal([first.costs().kernels.length, second.costs().kernels[0].calls], [0, 1]);
  second.stop();
  first.stop();
  assert.is(kernels, before);
});

test("the trace holds phases and kernels, each inside what it belongs to", async () => {
  await init();
  const profile = new Profile();
  phase("step", () => phase("data", () => full([64], 1)));
  profile.stop();
  const events = profile.chromeTrace().traceEvents;
  assert.equal(
    events.map(({ name, cat }) => [name, cat]),
    [
      ["step", "phase"],
      ["data", "phase"],
      ["fill_f32", "kernel"],
    ],
  );
  for (let i = 1; i < events.length; i++) {
    assert.ok(events[i].ts >= events[i - 1].ts);
    assert.ok(events[i].ts + events[i].dur <= events[i - 1].ts + events[i - 1].dur + 0.002);
  }
});
