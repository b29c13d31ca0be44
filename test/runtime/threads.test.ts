import { availableParallelism } from "node:os";
import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import { threadsProblem, wantedThreads } from "../../src/runtime/threads.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";
import { withVariable } from "../support/with-variable.js";

const withThreads = <T>(value: string | undefined, fn: () => T) => withVariable("POA_THREADS", value, fn);

test("what is asked for counts, then POA_THREADS, then one", () => {
  withThreads("5", () => {
    assert.is(wantedThreads(3), 3);
    assert.is(wantedThreads(), 5);
  });
  withThreads("", () => assert.is(wantedThreads(), 1));
  withThreads(undefined, () => assert.is(wantedThreads(), 1));
});

test("all are as many as there are cores", () => {
  const cores = Math.min(availableParallelism(), 64);
  assert.is(wantedThreads("all"), cores);
  withThreads("all", () => assert.is(wantedThreads(), cores));
});

test("what is no number of threads is refused with its name", () => {
  for (const wrong of [0, -1, 1.5, Number.NaN, 65, Number.POSITIVE_INFINITY])
    refuses(() => wantedThreads(wrong), ConfigError, `init: threads is ${wrong}; expected a whole number from 1 on`);
  refuses(() => wantedThreads("two" as never), ConfigError, 'init: threads is "two"');
  for (const wrong of ["0", "two", "1.5", " 2", "1e1", "65"])
    withThreads(wrong, () =>
      refuses(() => wantedThreads(), ConfigError, `init: POA_THREADS is ${JSON.stringify(wrong)}; expected a whole`),
    );
});

test("Node shares memory; a host without it says so", () => {
  assert.is(threadsProblem(), null);
  const kept = globalThis.SharedArrayBuffer;
  try {
    (globalThis as { SharedArrayBuffer?: unknown }).SharedArrayBuffer = undefined;
    assert.match(String(threadsProblem()), /a page must be isolated/);
  } finally {
    globalThis.SharedArrayBuffer = kept;
  }
});
