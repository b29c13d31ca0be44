import * as assert from "uvu/assert";
import { detectFeatures } from "../../src/runtime/features.js";
import { expectCode, expectExit } from "../support/program.js";
import { leaveOut, test } from "../support/test.js";

test("doctor tells what the host offers, as fields", async () => {
  const { result, events } = await expectExit(0, ["doctor", "--json", "--threads", "2"]);
  assert.is(events.length, 1);
  const { event, runtime, simd, relaxed, threads, sharedMemory, memoryLimitBytes, kernelsRun } = result;
  assert.is(event, "result");
  assert.is(runtime, `Node ${process.version}`);
  assert.is(simd, true);
  for (const flag of [relaxed, sharedMemory]) assert.type(flag, "boolean");
  assert.is(threads, 2);
  assert.ok((memoryLimitBytes as number) > 2 ** 31 && (memoryLimitBytes as number) <= 2 ** 32);
  assert.is(kernelsRun, true);
});

test("doctor tells the same to people", async () => {
  const { stdout, stderr } = await expectCode(0, ["doctor"]);
  assert.match(stdout, /^poa .* on Node v/);
  for (const row of ["SIMD +yes", "threads +\\d+", "memory limit +4\\.0 GiB", "kernels +run here"])
    assert.match(stdout, new RegExp(`^${row}`, "m"));
  assert.is(stderr, "");
});

test("doctor tells which build runs, and fails where the host lacks the one that is asked for", async () => {
  assert.is((await expectExit(0, ["doctor", "--json"])).result.build, "plain");
  const { relaxed } = detectFeatures();
  const { result } = await expectExit(relaxed ? 0 : 1, ["doctor", "--json", "--simd", "relaxed"]);
  assert.is(result.build, "relaxed");
  assert.is(result.relaxed, relaxed);
  assert.is(result.kernelsRun, relaxed);
  if (!relaxed) assert.match(result.problem as string, /has no relaxed SIMD/);
});

test("a build that does not exist is refused", async () => {
  assert.match(
    (await expectCode(2, ["doctor", "--simd", "fast"])).stderr,
    /--simd is "fast", expected plain or relaxed/,
  );
});

test("a number of threads that is none is refused", async () => {
  assert.match((await expectCode(2, ["doctor", "--threads", "many"])).stderr, /--threads is "many"/);
});

test("the environment says how many threads there are where the command does not", async () => {
  const env = { POA_THREADS: "3" };
  assert.is((await expectCode(0, ["doctor", "--json"], { env })).result.threads, 3);
  assert.is((await expectCode(0, ["doctor", "--json", "--threads", "2"], { env })).result.threads, 2);
  const { stdout } = await expectCode(1, ["doctor"], { env: { POA_THREADS: "some" } });
  assert.match(stdout, /POA_THREADS is "some"; expected a whole number from 1 on/);
});

test("doctor says why threads are off", async () => {
  const kept = globalThis.SharedArrayBuffer;
  try {
    (globalThis as { SharedArrayBuffer?: unknown }).SharedArrayBuffer = undefined;
    const { result } = await expectCode(0, ["doctor", "--json", "--threads", "2"]);
    assert.equal([result.threads, result.sharedMemory], [1, false]);
    assert.match(String(result.threadsProblem), /shares no memory/);
    assert.match(
      (await expectCode(0, ["doctor", "--threads", "2"])).stdout,
      /^threads +1: this host shares no memory/m,
    );
  } finally {
    globalThis.SharedArrayBuffer = kept;
  }
});

const WITHOUT_SIMD = "a host without WebAssembly SIMD is told so, by doctor and by a verb that computes";

if (process.arch !== "x64") leaveOut(WITHOUT_SIMD, "only on x64 Node can be started without it");
else
  test(WITHOUT_SIMD, async () => {
    const execArgv = ["--no-enable-sse4-1"]; // V8's SIMD needs it
    const { result } = await expectExit(1, ["doctor", "--json"], { execArgv });
    assert.equal([result.simd, result.kernelsRun], [false, false]);
    assert.match(
      String(result.problem),
      /need WebAssembly SIMD, which this host lacks\. Use Node 20 or later, or a browser/,
    );
    assert.match(
      (await expectExit(5, ["demo"], { execArgv })).stderr,
      /^error: init: the kernels need WebAssembly SIMD/,
    );
  });

test("a host without WebAssembly is told so", async () => {
  const { stdout } = await expectExit(1, ["doctor"], { execArgv: ["--jitless"] });
  assert.match(stdout, /^kernels +init: this host has no WebAssembly\. Start Node without --jitless/m);
});
