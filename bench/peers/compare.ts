import { arch, cpus, platform } from "node:os";
import type { Case, Entry } from "./cases.js";
import { Child } from "./child.js";
import { idleCores, pinning } from "./host.js";
import { type PeerName, type PeerProgram, peers } from "./peers.js";
import { type Clock, difference, type Sample } from "./protocol.js";
import type { CaseResult, ColumnResult, Comparison } from "./results.js";

export interface CompareOptions {
  readonly rounds: number;
  readonly clock: Clock;
  /** Two threads are measured even where something else takes a core: to try the machinery, not to judge. */
  readonly evenBusy: boolean;
  /** Peers that do not take part. */
  readonly without: readonly string[];
  readonly onCase: (name: string) => void;
  readonly onResult: (result: CaseResult) => void;
}

const ROUND_MS = 100;
const WARMUP_MS = 500;
/** A call that takes longer has warmed up by being checked. */
const LONG_CALL_MS = 1000;
/** For the rounds of one peer, where the case does not say. */
const BUDGET_MS = 15_000;
/** However slow a peer is. */
const FEWEST_ROUNDS = 2;
const TOLERANCE = 1e-4;
/** Two processes that get less than this done against one share a core with something else. */
const IDLE = 1.8;

/** Runs every case on all of its peers in turns. */
export async function compare(cases: readonly Case[], options: CompareOptions): Promise<Comparison> {
  let idle = await idleCores();
  let isRecent = cases[0]?.needsIdle ?? false;
  const pool = new Pool(options.without);
  const results: CaseResult[] = [];
  try {
    for (const one of cases) {
      options.onCase(one.name);
      if (one.needsIdle && !isRecent) {
        idle = await idleCores(); // it may have changed since the start
        isRecent = true;
      }
      const busy =
        one.needsIdle && idle < IDLE && !options.evenBusy
          ? `the machine is not idle: two processes do ${idle.toFixed(2)}x`
          : null;
      const result = busy ? skipped(one, busy) : await runCase(one, pool, options);
      results.push(result);
      options.onResult(result);
    }
  } finally {
    pool.stop();
  }
  return {
    machine: `${cpus()[0]?.model.trim()}, ${cpus().length} cores (${platform()} ${arch()})`,
    date: new Date().toISOString().slice(0, 10),
    rounds: options.rounds,
    clock: options.clock,
    pinned: pinning,
    idleCores: idle,
    versions: pool.versions,
    absent: pool.absent,
    cases: results,
  };
}

/** The processes of all peers, started when first needed. */
class Pool {
  readonly versions: Partial<Record<PeerName, Readonly<Record<string, string>>>> = {};
  readonly absent: Partial<Record<PeerName, string>> = {};
  private readonly children = new Map<PeerName, Child>();

  constructor(without: readonly string[]) {
    for (const name of Object.keys(peers) as PeerName[]) if (without.includes(name)) this.absent[name] = "left out";
  }

  /** @throws Error with the reason if the peer does not start */
  async get(name: PeerName): Promise<Child> {
    const running = this.children.get(name);
    if (running && !running.ended) return running;
    const reason = this.absent[name];
    if (reason) throw new Error(reason);
    try {
      const child = await Child.start(peers[name] as PeerProgram);
      this.children.set(name, child);
      this.versions[name] = child.versions;
      return child;
    } catch (error) {
      this.absent[name] = messageOf(error);
      throw error;
    }
  }

  /** Ends the processes that serve one case only. */
  endCase(): void {
    for (const [name, child] of this.children) {
      if (!("fresh" in peers[name])) continue;
      child.stop();
      this.children.delete(name);
    }
  }

  stop(): void {
    for (const child of this.children.values()) child.stop();
  }
}

/** A column on its way through a case. */
interface Runner {
  readonly entry: Entry;
  readonly id: number;
  readonly rates: (number | null)[];
  child: Child | null;
  work: number;
  spentMs: number;
  absent?: string;
  samples: readonly Sample[];
  figures?: Readonly<Record<string, number>>;
}

let lastId = 0;

async function runCase(one: Case, pool: Pool, { rounds, clock: asked }: CompareOptions): Promise<CaseResult> {
  const runners = one.entries.map(
    (entry): Runner => ({ entry, id: ++lastId, rates: [], child: null, work: entry.work, spentMs: 0, samples: [] }),
  );
  const clock = one.needsIdle ? "wall" : asked; // two threads use twice the processor's time
  for (const runner of runners) await guarded(runner, () => prepare(runner, pool));
  judge(runners, one.tolerance ?? TOLERANCE);
  for (let round = 0; round < rounds; round++) {
    for (const runner of runners) {
      const done = runner.rates.filter((rate) => rate !== null).length;
      const sitsOut = done >= FEWEST_ROUNDS && runner.spentMs > (one.budgetMs ?? BUDGET_MS);
      if (runner.absent || sitsOut) runner.rates.push(null);
      else
        await guarded(runner, () =>
          runRound(runner, clock, runner.entry.op === "peak" ? ROUND_MS : (one.roundMs ?? ROUND_MS)),
        );
    }
  }
  for (const { child, id } of runners)
    if (child && !child.ended) await child.ask({ ask: "release", id }).catch(() => {});
  pool.endCase();
  return { name: one.name, group: one.group, columns: runners.map(columnResult) };
}

function columnResult({ entry, rates, absent, figures }: Runner): ColumnResult {
  return { column: entry.column, peer: entry.peer, rates: absent ? [] : rates, absent, figures };
}

/** What a peer cannot do is told in its place, and ends nothing. */
async function guarded(runner: Runner, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    runner.absent = messageOf(error);
    runner.rates.push(null);
  }
}

async function prepare(runner: Runner, pool: Pool): Promise<void> {
  const { entry, id } = runner;
  const child = await pool.get(entry.peer);
  runner.child = child;
  await child.ask({ ask: "prepare", id, op: entry.op, spec: entry.spec });
  const { samples = [], ms = 0 } = await child.ask({ ask: "check", id });
  runner.samples = samples;
  if (Number.isNaN(entry.work)) runner.work = samples[0].values[0] / 1e9;
  if (ms < LONG_CALL_MS) await child.ask({ ask: "run", id, ms: WARMUP_MS, clock: "wall" });
}

async function runRound(runner: Runner, clock: Clock, atLeastMs: number): Promise<void> {
  const { child, id, work } = runner;
  if (!child) return;
  const { calls = 0, ms = 0, figures } = await child.ask({ ask: "run", id, ms: atLeastMs, clock });
  runner.spentMs += ms;
  runner.rates.push((work * calls) / (ms / 1000));
  if (figures) runner.figures = figures;
}

/** Takes out whoever computes something else than the reference: this library, or PyTorch where it lacks the operation. */
function judge(runners: readonly Runner[], tolerance: number): void {
  const checked = runners.filter(({ entry, absent }) => !entry.unchecked && !absent);
  for (const runner of checked) {
    const broken = runner.samples.some(({ largest }) => !Number.isFinite(largest)); // JSON has null for NaN
    if (broken) runner.absent = "wrong: the result is not finite";
  }
  const find = (peer: PeerName) =>
    checked.find(({ entry, absent }) => !absent && entry.peer === peer && entry.column === peer);
  const reference = find("ours") ?? find("torch") ?? checked[0];
  for (const runner of checked) {
    if (runner.absent || runner === reference || runner.entry.column === "forward") continue;
    const wrong = difference(runner.samples, reference.samples, tolerance);
    if (wrong) runner.absent = `wrong: ${wrong}`;
  }
}

function skipped({ name, group, entries }: Case, reason: string): CaseResult {
  return {
    name,
    group,
    columns: entries.map(({ column, peer }) => ({ column, peer, rates: [], absent: reason })),
  };
}

const messageOf = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0].slice(0, 200);
