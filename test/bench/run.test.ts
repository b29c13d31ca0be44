import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Run } from "../../bench/saved.js";
import { root } from "../examples/markdown.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const folder = tempFolder();
const program = join(root, "dist/bench/run.js");
/** The quickest case. */
const quick = ["overhead", "step", "nothing", "--rounds", "1"];

function bench(...args: string[]) {
  return spawnSync(process.execPath, [program, ...args], { cwd: folder, encoding: "utf8" });
}

test("the list names cases of every kind once, and says which must be asked for", () => {
  const { status, stdout } = bench("--list");
  assert.is(status, 0);
  const names = stdout.trimEnd().split("\n");
  assert.is(new Set(names).size, names.length);
  for (const kind of ["gemm", "attention", "add", "op", "overhead", "vit step", "poa step demo", "poa step cifar-tiny"])
    assert.ok(
      names.some((name) => name.startsWith(`${kind} `)),
      kind,
    );
  assert.match(stdout, /^poa step vit-small .* {2}\(only with the word vit-small\)$/m);
  assert.is(bench("--list", "digits", "gemm").stdout.split("\n").length, 8);
});

test(
  "a run is saved, and a later one compared with it",
  () => {
    const saved = join(folder, "runs", "a.json");
    const first = bench(...quick, "--save", saved, "--json");
    assert.is(first.status, 0, first.stderr);
    const run = JSON.parse(first.stdout) as Run;
    assert.equal(run, JSON.parse(readFileSync(saved, "utf8")));
    assert.equal([run.threads, run.clock, run.results.length], [1, "wall", 1]);
    const [{ name, unit, rate, share, peak }] = run.results;
    assert.equal([name, unit, share], ["overhead step with nothing in it", "us", null]);
    assert.ok(rate > 0 && peak! > 0);

    const compared = (earlier: number) => {
      writeFileSync(saved, JSON.stringify({ ...run, results: [{ ...run.results[0], rate: earlier }] }));
      return bench(...quick, "--compare", saved, "--max-regression", "0.9");
    };
    const faster = compared(1e6 * rate);
    assert.is(faster.status, 0, faster.stderr);
    assert.match(faster.stdout, /^overhead step with nothing in it +[\d.]+ us +± 0 % {2}\d{4,}\.\d\dx\n$/);
    const slower = compared(1e-6 * rate);
    assert.is(slower.status, 1);
    assert.match(slower.stdout, / {2}0\.00x\n$/);
    assert.match(
      slower.stderr,
      /^bench: overhead step with nothing in it runs at less than 0\.9 of its earlier speed$/m,
    );
  },
  { timeoutMs: 120_000 },
);

test(
  "wrong use ends with 2 and a message that names it",
  () => {
    for (const [args, message] of [
      [["no-such-case"], /^bench: no case has no-such-case in its name/],
      [["--bogus"], /^bench: Unknown option '--bogus'/],
      [["--rounds", "0"], /^bench: --rounds is 0, expected a whole number/],
      [["--threads", "some"], /^bench: --threads is some, expected a whole number/],
      [["--max-regression", "0.9"], /^bench: --max-regression needs --compare/],
      [["--compare", "missing.json"], /^bench: --compare missing\.json cannot be read/],
      [["--threads", "2", "--processor-time"], /^bench: --processor-time counts one thread/],
    ] as const) {
      const { status, stderr } = bench(...args);
      assert.is(status, 2, stderr);
      assert.match(stderr, message);
    }
    assert.match(bench("--help").stdout, /^Usage: npm run bench/);
  },
  { timeoutMs: 120_000 },
);
