import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { PhaseCost } from "../../src/runtime/profile.js";
import { mpiTest, startRanks } from "../support/mpi.js";
import { expectCode, imagesIn, program, tinyPretrain, workshop } from "../support/program.js";
import { runConfigYaml } from "../support/square-run.js";
import { test } from "../support/test.js";

const cwd = workshop();
const poa = (...args: readonly string[]) => [process.execPath, program, ...args];
const pretrainIn = (out: string, ...more: string[]) => [...tinyPretrain.slice(0, -1), out, ...more];

/** Runs the program on ranks to its end. @returns events of stdout with --json, and stderr */
async function expectRanks(code: number, size: number, args: readonly string[]) {
  const ran = await startRanks(size, poa(...args), { cwd }).done;
  assert.is(ran.code, code, ran.stderr + ran.stdout);
  const lines = ran.stdout.split("\n").filter((line) => line.startsWith("{"));
  return { ...ran, events: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

/** Every byte of the checkpoints and metrics of a run. */
function contentOf(run: string): string[] {
  const checkpoints = join(cwd, run, "checkpoints");
  const files = readdirSync(checkpoints, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("s"));
  const paths = [...files.sort().map((name) => join(checkpoints, name)), join(cwd, run, "metrics.jsonl")];
  return paths.map((path) => readFileSync(path).toString("hex"));
}

mpiTest(
  "ranks train one run: rank 0 alone writes and speaks, a step takes the images of all, and the share of communication is told",
  async () => {
    const { events, stdout } = await expectRanks(0, 2, pretrainIn("two", "--json", "--profile", "--deterministic"));
    assert.is(events.filter(({ event }) => event === "result").length, 1);
    const result = events.at(-1)!;
    assert.equal([result.iterations, result.imagesSeen], [8, 64], stdout);
    const { phases, communicationShare } = result.profile as { phases: PhaseCost[]; communicationShare: number };
    const names = phases.map(({ name }) => name);
    for (const name of ["rank wait", "communication"]) assert.ok(names.includes(name), names.join());
    assert.ok(communicationShare > 0 && communicationShare < 1, `${communicationShare}`);
    const info = JSON.parse(readFileSync(join(cwd, "two", "run.json"), "utf8"));
    assert.equal([info.ranks, info.deterministic, info.images], [2, true, 16]);
    const steps = events.filter(({ event }) => event === "step");
    assert.equal(
      steps.map(({ networks }) => (networks as string[]).length),
      new Array(8).fill(2),
    );
  },
);

mpiTest("a run of two ranks is a function of its seed, also where it was resumed", async () => {
  await expectRanks(0, 2, pretrainIn("whole", "--quiet", "--deterministic"));
  await expectRanks(0, 2, pretrainIn("part", "--quiet", "--deterministic", "--overwrite"));
  assert.equal(contentOf("part"), contentOf("whole"));
  rmSync(join(cwd, "part", "checkpoints", "000000008"), { recursive: true });
  await expectRanks(0, 2, ["resume", "part", "--quiet", "--deterministic"]);
  assert.equal(contentOf("part"), contentOf("whole"));
});

mpiTest("a run goes on with another number of ranks, and is told what then differs", async () => {
  await expectRanks(0, 2, pretrainIn("more", "--quiet", "optim.epochs=1"));
  rmSync(join(cwd, "more", "checkpoints", "000000004"), { recursive: true });
  const { events, stderr } = await expectRanks(0, 3, ["resume", "more", "--json"]);
  assert.match(
    stderr,
    /began with 2 ranks and continues with 3: images per step 12 in place of 8, peak learning rate 0.0004\d+ in/,
  );
  assert.is(events.at(-1)!.iterations, 4);
});

mpiTest("ranks that do not mean the same run do not begin it, and are told the difference", async () => {
  const other = runConfigYaml().replace('"batch_size_per_gpu": 4', '"batch_size_per_gpu": 2');
  writeFileSync(join(cwd, "other.yaml"), other);
  imagesIn(join(cwd, "images2"), 8);
  rmSync(join(cwd, "images2", "left", "000.png"));
  const differing = (option: string, first: string, second: string) => {
    const args = pretrainIn("refused", "--quiet");
    const using = (value: string) => args.map((arg, i) => (args[i - 1] === option ? value : arg));
    return startRanks(1, [...poa(...using(first)), ":", "-np", "1", ...poa(...using(second))], { cwd }).done;
  };
  const config = await differing("--config", "tiny.yaml", "other.yaml");
  assert.is(config.code, 2, config.stderr);
  assert.match(config.stderr, /train\.batch_size_per_gpu is 4 on rank 0 and 2 on rank 1/);
  assert.is(config.stderr.match(/error:/g)?.length, 1, config.stderr);
  const data = await differing("--data", "images", "images2");
  assert.is(data.code, 3, data.stderr);
  assert.match(data.stderr, /images is 16 on rank 0 and 15 on rank 1; data fingerprint is "\w{16}" on rank 0 and/);
  const missing = await differing("--data", "images", "nowhere");
  assert.is(missing.code, 3, missing.stderr);
  assert.match(missing.stderr, /error: rank 1: data: nowhere does not exist/);
  assert.not.ok(existsSync(join(cwd, "refused")));
});

test("--distributed takes nothing but mpi", async () => {
  const { stderr } = await expectCode(2, pretrainIn("none", "--distributed", "tcp"), { cwd });
  assert.match(stderr, /--distributed is "tcp", expected mpi/);
});
