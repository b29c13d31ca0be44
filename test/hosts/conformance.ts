import { EdgeEncoder, loadEncoder } from "../../src/edge/encoder.js";
import { encoderBundle } from "../../src/export/encoder-bundle.js";
import { dispose, init } from "../../src/runtime/context.js";
import type { Trainer } from "../../src/train/trainer.js";
import { initDouble } from "../support/runtime.js";
import { drawnImages, fiftySteps, hashOf, type RunName, runNames, smallRun } from "./fifty-steps.js";
import { opResults } from "./op-cases.js";
import { vitSteps } from "./vit-step.js";

/** What a host computes. Differences are |a − b| / max(1, |b|) at their largest. */
export interface Conformance {
  /** Between the kernels and the plain references in double precision. */
  readonly kernels: number;
  /** The same over training steps of a ViT: losses and gradients. */
  readonly step: number;
  /** Between a sub-network in place and the same one as a file that was read back. */
  readonly extraction: number;
  /** SHA-256 of all weights after fifty steps, on one thread. */
  readonly hashes: Readonly<Record<RunName, string>>;
  /** The same on several threads; null where the host has only one. */
  readonly sharedHashes: Readonly<Record<RunName, string>> | null;
  readonly threads: number;
  /** Why there is only one thread, or null. */
  readonly threadsProblem: string | null;
}

/** Largest differences that are rounding. */
export const bounds = { kernels: 2e-5, step: 1e-4, extraction: 1e-5 } as const;

/**
 * Runs the suite on this host. Plain library code: no file is read, nothing of one host is used.
 *
 * @param threads  how many to compare with one
 */
export async function conformance(threads = 2): Promise<Conformance> {
  const kernels = await differenceFromReference(opResults);
  const step = await differenceFromReference(vitSteps);
  let extraction = 0;
  const hashes = await allRuns(1, async (trainer) => {
    extraction = Math.max(extraction, await extractionDifference(trainer));
  });
  const runtime = await init({ threads });
  const [found, threadsProblem] = [runtime.threads, runtime.threadsProblem];
  const sharedHashes = found > 1 ? await allRuns(threads) : null;
  dispose();
  return { kernels, step, extraction, hashes, sharedHashes, threads: found, threadsProblem };
}

type Results = ReadonlyMap<string, ArrayLike<number>>;

async function differenceFromReference(compute: () => Results): Promise<number> {
  await init({ threads: 1 });
  const results = compute();
  await initDouble();
  const expected = compute();
  let largest = 0;
  for (const [name, values] of expected) largest = Math.max(largest, difference(name, results.get(name) ?? [], values));
  return largest;
}

function difference(name: string, a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${name}: ${a.length} numbers, the reference has ${b.length}`);
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const distance = Math.abs(a[i] - b[i]) / Math.max(1, Math.abs(b[i]));
    if (!Number.isFinite(distance)) throw new Error(`${name}: entry ${i} is ${a[i]}, the reference gives ${b[i]}`);
    largest = Math.max(largest, distance);
  }
  return largest;
}

async function allRuns(
  threads: number,
  then: (trainer: Trainer) => Promise<void> = async () => {},
): Promise<Record<RunName, string>> {
  const hashes: Partial<Record<RunName, string>> = {};
  for (const name of runNames) {
    await init({ threads });
    const trainer = smallRun(name);
    await fiftySteps(trainer);
    hashes[name] = await hashOf(trainer);
    await then(trainer);
    trainer.dispose();
  }
  return hashes as Record<RunName, string>;
}

/** Between the smallest network of a run, seen through its teacher, and as a bundle. */
async function extractionDifference(trainer: Trainer): Promise<number> {
  const [{ name }] = trainer.space.distinct();
  const slice = trainer.encoder(name);
  const bundle = encoderBundle({ ...slice, backbone: slice.backbone.materialize() });
  const [inPlace, readBack] = [new EdgeEncoder(slice), await loadEncoder(bundle)];
  const images = drawnImages(4);
  const [a, b] = [inPlace, readBack].map((encoder) => encoder.embedBatch(images));
  return Math.max(...b.map((feature, i) => difference(name, a[i], feature)));
}
