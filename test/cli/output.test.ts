import * as assert from "uvu/assert";
import { formatDuration, formatTable, Output, timeLeft } from "../../src/cli/output.js";
import { captured } from "../support/captured.js";
import { test } from "../support/test.js";

const ESCAPE = "\x1b";

/** Runs fn with stderr pretending to be a terminal of so many columns. */
function onTerminal(columns: number, fn: () => void): { stdout: string; stderr: string } {
  const before = { isTTY: process.stderr.isTTY, columns: process.stderr.columns };
  Object.assign(process.stderr, { isTTY: true, columns });
  try {
    return captured(fn);
  } finally {
    Object.assign(process.stderr, before);
  }
}

test("without --json stdout holds text alone", () => {
  const { stdout, stderr } = captured(() => {
    const output = new Output({ json: false, quiet: false });
    output.event("step", { loss: 1 });
    output.print("a line");
    output.result({ n: 1 }, "the result");
  });
  assert.is(stdout, "a line\nthe result\n");
  assert.is(stderr, "");
});

test("with --json stdout holds JSON lines alone, also for warnings", () => {
  const { stdout, stderr } = captured(() => {
    const output = new Output({ json: true, quiet: false });
    output.event("step", { loss: 1, text: "a\nb" });
    output.print("a line");
    output.warn("careful");
    output.note("by the way");
    output.progress(() => "half", { final: true });
    output.result({ n: 1 }, "the result");
  });
  assert.equal(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
    [
      { event: "step", loss: 1, text: "a\nb" },
      { event: "warning", message: "careful" },
      { event: "result", n: 1 },
    ],
  );
  assert.is(stderr, "warning: careful\nby the way\nhalf\n");
});

test("quiet leaves warnings and errors", () => {
  const { stdout, stderr } = captured(() => {
    const output = new Output({ json: false, quiet: true });
    output.note("by the way");
    output.progress(() => "half", { final: true });
    output.warn("careful");
    output.error("broken");
    output.result({}, "the result");
  });
  assert.is(stdout, "the result\n");
  assert.is(stderr, "warning: careful\nerror: broken\n");
});

test("without a terminal, progress is a line now and then, and the last one always", () => {
  let asked = 0;
  const { stderr } = captured(() => {
    const output = new Output({ json: false, quiet: false });
    for (let i = 0; i < 100; i++) output.progress(() => `line ${i} ${asked++}`, { final: i === 99 });
  });
  assert.is(stderr, "line 0 0\nline 99 1\n");
});

test("on a terminal, progress replaces itself, fits one row, and ends before other output begins", () => {
  const { stdout, stderr } = onTerminal(20, () => {
    const output = new Output({ json: false, quiet: false });
    output.progress(() => "12345678901234567890 too long", {});
    output.print("result");
    output.progress(() => "end", { final: true });
  });
  assert.is(stdout, "result\n");
  assert.is(stderr, "\r\x1b[K1234567890123456789\n\r\x1b[Kend\n");
});

test("colours need a terminal and no NO_COLOR", () => {
  const warning = () => new Output({ json: false, quiet: false }).warn("careful");
  const before = process.env.NO_COLOR;
  try {
    delete process.env.NO_COLOR;
    assert.ok(onTerminal(80, warning).stderr.startsWith(`${ESCAPE}[33mwarning:`));
    assert.not.ok(captured(warning).stderr.includes(ESCAPE));
    process.env.NO_COLOR = "1";
    assert.not.ok(onTerminal(80, warning).stderr.includes(ESCAPE));
  } finally {
    if (before === undefined) delete process.env.NO_COLOR;
    else process.env.NO_COLOR = before;
  }
});

test("durations are minutes and seconds, with hours where there are any", () => {
  assert.equal([0, 0.4, 59.6, 75, 3599, 3600, 3700, 360_000, -3].map(formatDuration), [
    "0:00",
    "0:00",
    "1:00",
    "1:15",
    "59:59",
    "1:00:00",
    "1:01:40",
    "100:00:00",
    "0:00",
  ]);
});

test("a table aligns its first column left and the others right, without trailing blanks", () => {
  assert.is(
    formatTable([
      ["name", "n", ""],
      ["a", "1000", "x"],
      ["longer", "7", ""],
    ]),
    "name       n\na       1000  x\nlonger     7",
  );
});

test("what is left takes as long, share for share, as what is done", () => {
  assert.is(timeLeft(performance.now() - 10_000, 0.25), "0:30 left");
  assert.is(timeLeft(performance.now() - 10_000, 1), "0:00 left");
});
