import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { init } from "../../src/runtime/context.js";
import { CheckpointFolder } from "../../src/train/checkpoint.js";
import { seeded } from "../support/kernels.js";
import { mpiTest, type RanksOptions, type RanksRan, type RunningRanks, startRanks } from "../support/mpi.js";
import { program, tinyPretrain, workshop } from "../support/program.js";
import { startedRank } from "../support/rank-processes.js";

await init();

const cwd = workshop();
const LAST = 60;
const settings = [`optim.epochs=${LAST / 4}`, "train.checkpoint_every_steps=1", "--deterministic", "--quiet"];
const poa = (...args: readonly string[]) => [process.execPath, program, ...args];
const pretrainIn = (run: string, ...more: string[]) =>
  poa(...tinyPretrain.slice(0, -1), run, ...settings, "--overwrite", ...more);
const resumed = (run: string) => poa("resume", run, "--deterministic", "--quiet");
const start = (command: readonly string[], options: RanksOptions = {}) => startRanks(2, command, { cwd, ...options });

const done = async (running: RunningRanks): Promise<RanksRan> => {
  const ran = await running.done;
  assert.is(ran.code, 0, ran.stderr);
  return ran;
};

/** Last checkpoint and metrics of a run, in which every bit counts. */
function endOf(run: string): string {
  const folder = join(cwd, run, "checkpoints", String(LAST).padStart(9, "0"));
  const paths = [
    ...readdirSync(folder)
      .sort()
      .map((part) => join(folder, part)),
    join(cwd, run, "metrics.jsonl"),
  ];
  return paths.map((path) => readFileSync(path).toString("hex")).join();
}

/** The step of the newest checkpoint, all of which can be read. */
function newestOf(run: string): number {
  const checkpoints = new CheckpointFolder(join(cwd, run, "checkpoints"));
  for (const step of checkpoints.steps()) assert.is(checkpoints.load(step).iteration, step);
  return checkpoints.steps().at(-1) ?? -1;
}

/** Resolves when a run has saved a step after its start. */
async function underWay(run: string): Promise<void> {
  const folder = join(cwd, run, "checkpoints");
  while (!existsSync(folder) || !readdirSync(folder).some((name) => Number(name) > 0))
    await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Resolves when a process is there no more. */
async function hasEnded(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 20));
}

const KILLS = 20;
/** A job whose rank was killed has ended after this. */
const ENDS_IN_MS = 30_000;

mpiTest(
  `rank 1 killed ${KILLS} times at random moments: the job ends, no checkpoint is lost, and the run has the bytes of a whole one`,
  async () => {
    const begun = performance.now();
    await done(start(pretrainIn("whole")));
    const wholeMs = performance.now() - begun;
    const seed = Date.now();
    console.log(`moments of the kills drawn with seed ${seed}`); // shown if the test fails
    const next = seeded(seed);
    let finished = 0;
    for (let kills = 0; kills < KILLS; ) {
      const running = start(existsSync(join(cwd, "killed", "config.yaml")) ? resumed("killed") : pretrainIn("killed"));
      const [other, rank] = [await startedRank(running.pid, 0), await startedRank(running.pid, 1)];
      await new Promise((resolve) => setTimeout(resolve, wholeMs * next()));
      let killedAt: number | null = performance.now();
      try {
        process.kill(rank, "SIGKILL");
      } catch {
        killedAt = null; // it had ended
      }
      const { code, stderr } = await running.done;
      if (code !== 0 && killedAt !== null) {
        await hasEnded(other); // mpirun may be gone a moment earlier
        const tookMs = performance.now() - killedAt;
        assert.ok(tookMs < ENDS_IN_MS, `${tookMs} ms`);
        assert.not.match(stderr, /error:/);
        kills++;
        newestOf("killed");
        continue;
      }
      assert.is(code, 0, stderr);
      assert.ok(endOf("killed") === endOf("whole"), "the same bytes");
      finished++;
      rmSync(join(cwd, "killed"), { recursive: true });
    }
    if (existsSync(join(cwd, "killed", "config.yaml"))) {
      await done(start(resumed("killed")));
      assert.ok(endOf("killed") === endOf("whole"), "the same bytes");
    } else assert.ok(finished > 0);
  },
  { timeoutMs: 900_000 },
);

mpiTest(
  "a rank that does not answer ends the job after --rank-timeout, with 5 and the last checkpoint",
  async () => {
    const running = start(pretrainIn("hung", "--rank-timeout", "4", "optim.epochs=5000"));
    const rank = await startedRank(running.pid, 1);
    await underWay("hung");
    process.kill(rank, "SIGSTOP");
    const stopped = performance.now();
    const { code, stderr } = await running.done;
    const tookMs = performance.now() - stopped;
    assert.is(code, 5, stderr);
    assert.match(stderr, /error: rank 0 of 2 has waited 4 s for the others \(--rank-timeout\)/);
    assert.ok(tookMs > 3500 && tookMs < 20_000, `${tookMs} ms`);
    assert.ok(newestOf("hung") > 0);
  },
  { timeoutMs: 120_000 },
);

/** Interrupts a long run, expects that it saved and ended with 130, and that it can go on. */
async function interrupted(run: string, options: RanksOptions, interrupt: (running: RunningRanks) => Promise<void>) {
  const running = start(pretrainIn(run, "optim.epochs=5000"), options);
  await underWay(run);
  await interrupt(running);
  const { code, stderr } = await running.done;
  assert.is(code, 130, stderr);
  const lines = readFileSync(join(cwd, run, "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  assert.is(newestOf(run), lines.length, "all steps are in the checkpoint");
}

mpiTest(
  "SIGINT at any rank saves and ends all with 130",
  async () => {
    for (const rank of [0, 1])
      await interrupted("interrupted", {}, async ({ pid }) => {
        process.kill(await startedRank(pid, rank), "SIGINT");
      });
  },
  { timeoutMs: 120_000 },
);

mpiTest(
  "SIGUSR2 at mpirun, which passes it on, does so too; and SIGINT at a shell that makes it one",
  async () => {
    await interrupted("passed-on", {}, async ({ pid }) => {
      process.kill(pid, "SIGUSR2");
    });
    const script = "trap 'kill -USR2 $ranks' INT; \"$@\" & ranks=$!; wait $ranks || wait $ranks";
    await interrupted("trapped", { before: ["sh", "-c", script, "sh"] }, async ({ pid }) => {
      process.kill(pid, "SIGINT");
    });
  },
  { timeoutMs: 120_000 },
);

mpiTest(
  "Deno trains the same bits through its own foreign functions",
  async () => {
    const deno = fileURLToPath(new URL("../../../node_modules/.bin/deno", import.meta.url));
    const [first, second] = ["node", "deno"];
    await done(start(pretrainIn(first, "optim.epochs=2")));
    await done(start([deno, "run", "-A", ...pretrainIn(second, "optim.epochs=2").slice(1)]));
    const metrics = (run: string) => readFileSync(join(cwd, run, "metrics.jsonl"), "utf8");
    assert.is(metrics(second), metrics(first));
  },
  { timeoutMs: 120_000 },
);
