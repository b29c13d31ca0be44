import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { mpiProblem, startRanks } from "../support/mpi.js";
import { program, tinyPretrain, workshop } from "../support/program.js";
import { leaveOut, test } from "../support/test.js";
import { namespaceProblem, withTwoNetworks } from "../support/two-networks.js";

const cwd = workshop();
const pretrainIn = (run: string, ...more: string[]) => [
  ...[process.execPath, program, ...tinyPretrain.slice(0, -1), run],
  ...["--quiet", "--deterministic", ...more],
];

/** Last checkpoint and metrics of a run, in which every bit counts. */
function endOf(run: string): string[] {
  const checkpoints = join(cwd, run, "checkpoints");
  const last = join(checkpoints, readdirSync(checkpoints).sort().at(-1)!);
  const paths = [
    ...readdirSync(last)
      .sort()
      .map((part) => join(last, part)),
    join(cwd, run, "metrics.jsonl"),
  ];
  return paths.map((path) => readFileSync(path).toString("hex"));
}

/** Registers a test that needs two networks. */
function networkTest(name: string, fn: () => Promise<void>): void {
  const problem = mpiProblem() ?? namespaceProblem();
  if (problem === null) test(name, fn, { timeoutMs: 120_000 });
  else leaveOut(name, problem);
}

networkTest("ranks on two networks, each with an address of its own, train the bits of two on one host", () =>
  withTwoNetworks(async ({ options, received }) => {
    const apart = await startRanks(2, pretrainIn("apart"), { cwd, ...options }).done;
    assert.is(apart.code, 0, apart.stderr);
    assert.ok(received() > 100_000, `${received()} bytes`);
    const together = await startRanks(2, pretrainIn("together"), { cwd }).done;
    assert.is(together.code, 0, together.stderr);
    assert.equal(endOf("apart"), endOf("together"));
  }),
);
