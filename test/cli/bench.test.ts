import { join } from "node:path";
import * as assert from "uvu/assert";
import { expectCode, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();

interface Case {
  name: string;
  unit: string;
  rate: number;
  share: number | null;
  imagesPerSecond?: number;
}

function expectSound(cases: readonly Case[], peak: { gflops: number; gbytes: number }): void {
  assert.ok(peak.gflops > 0 && peak.gbytes > 0);
  for (const { name, unit, rate, share } of cases) {
    assert.ok(rate > 0 && share !== null && share > 0 && share < 5, name);
    const ofPeak = rate / (unit === "GB/s" ? peak.gbytes : peak.gflops);
    assert.ok(ofPeak / share > 0.2 && ofPeak / share < 5, `${name}: ${ofPeak} and ${share}`);
  }
}

test("a network and a training step are timed beside the host's peak, with images in a second", async () => {
  const small = ["--config", "tiny.yaml", "--rounds", "1", "--json"];
  for (const [verb, count] of [
    ["model", 2],
    ["step", 1],
  ] as const) {
    const { result } = await expectCode(0, ["bench", verb, ...small], { cwd });
    const { cases, peak, threads } = result as unknown as {
      cases: Case[];
      peak: { gflops: number; gbytes: number };
      threads: number;
    };
    assert.equal([cases.length, threads], [count, 1]);
    expectSound(cases, peak);
    for (const { unit, imagesPerSecond } of cases) assert.ok(unit === "GFLOP/s" && imagesPerSecond! > 0);
  }
});

test("bundles are timed in turns, one image each, and told with their networks", async () => {
  await expectCode(0, tinyPretrain, { cwd });
  const nets = ["8x1", "16x2"];
  for (const net of nets)
    await expectCode(0, ["export", "run", "--format", "edge", "--net", net, "--out", `${net}.poa`], { cwd });
  const args = ["bench", "edge", ...nets.map((net) => `${net}.poa`), "--seconds", "1"];
  const { result } = await expectCode(0, [...args, "--json"], { cwd });
  const bundles = result.bundles as { network: string; ms: number; msP95: number; runs: number }[];
  assert.equal(
    bundles.map(({ network }) => network),
    nets,
  );
  for (const { ms, msP95, runs } of bundles) assert.ok(ms > 0 && msP95 >= ms && runs >= 10);
  const { stderr } = await expectCode(3, ["bench", "edge", join(cwd, "none.poa")], { cwd });
  assert.match(stderr, /none\.poa is no file\. Make a bundle/);
});

test("what is wrong is told with its exit code", async () => {
  for (const [args, words] of [
    [["bench"], /expected one of poa bench edge, poa bench kernels, poa bench model, poa bench step/],
    [["bench", "edge"], /BUNDLE is missing/],
    [["bench", "kernels", "--rounds", "0"], /--rounds is "0"/],
    [["bench", "model", "--config", "none"], /none/],
  ] as const)
    assert.match((await expectCode(2, args, { cwd })).stderr, words);
});
