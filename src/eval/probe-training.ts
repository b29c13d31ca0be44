import { eventTurns } from "../train/event-turn.js";
import type { LinearProbe } from "./linear-probe.js";
import type { ProbeBatch } from "./probe-batches.js";

/** What one step has to tell. */
export interface ProbeReport {
  /** Number of the step, from 0. */
  readonly iteration: number;
  /** Mean cross-entropy of all classifiers before the step, in nats. */
  readonly loss: number;
}

/** When training stops, what is saved, and who is told. */
export interface ProbeTrainingOptions {
  /** Finishes the step, saves, and returns early. */
  readonly signal?: AbortSignal;
  /** Told after every step. */
  readonly onStep?: (report: ProbeReport) => void;
  /** Called between steps, at intervals and at the end. */
  readonly save?: (probe: LinearProbe) => void;
  /** Default 60. */
  readonly saveEverySeconds?: number;
}

const BATCH = 256;
/** The published 12,500 steps are 20 passes over ImageNet in batches of 2,048. */
const PASSES = 20;
const MOST_STEPS = 12_500;
/** A small set needs more passes for as good an optimum. */
const LEAST_STEPS = 2_000;

/**
 * Batch size and steps for so many images: batches of 256, or of all images if there are fewer; as many steps or passes as
 * asked for, by default 20 passes, but from 2,000 to 12,500 steps.
 */
export function probePlan(
  images: number,
  { batchSize = BATCH, epochs, iterations }: { batchSize?: number; epochs?: number; iterations?: number } = {},
): { batchSize: number; iterations: number } {
  const size = Math.min(batchSize, images);
  const perPass = Math.max(1, Math.floor(images / size));
  const byPasses =
    epochs === undefined ? Math.min(MOST_STEPS, Math.max(LEAST_STEPS, PASSES * perPass)) : epochs * perPass;
  return { batchSize: size, iterations: iterations ?? byPasses };
}

/**
 * Trains a probe from where it stands to its end.
 *
 * @param batchesFrom  a stream of batches, from the one with the given number on
 * @returns whether it came to its end
 */
export async function trainProbe(
  probe: LinearProbe,
  batchesFrom: (start: number) => AsyncIterator<ProbeBatch>,
  { signal, onStep, save, saveEverySeconds = 60 }: ProbeTrainingOptions = {},
): Promise<boolean> {
  const nextTurn = eventTurns();
  const batches = batchesFrom(probe.iteration);
  let savedAt = performance.now();
  let savedStep = probe.iteration;
  const saveNow = () => {
    save?.(probe);
    [savedAt, savedStep] = [performance.now(), probe.iteration];
  };
  try {
    while (!probe.finished) {
      await nextTurn();
      if (signal?.aborted) break;
      const { value } = await batches.next();
      const { iteration } = probe;
      const loss = probe.step(value.rows, value.labels) / probe.classifiers.length;
      onStep?.({ iteration, loss });
      if (performance.now() - savedAt >= 1000 * saveEverySeconds) saveNow();
    }
  } finally {
    await batches.return?.();
  }
  if (savedStep !== probe.iteration) saveNow();
  return probe.finished;
}
