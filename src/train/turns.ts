import { NumericError } from "../errors.js";
import { type Collective, gatherNumbers } from "../runtime/collective.js";
import { divergedRanks } from "./agreement.js";
import { eventTurns } from "./event-turn.js";
import { heapBound } from "./heap-bound.js";
import type { Trainer } from "./trainer.js";

/** What all ranks do next, on the word of rank 0. */
const words = ["step", "compare", "finish", "interrupt"] as const;
type Word = (typeof words)[number];

/** Weights are compared each time so many steps have been done, and before each checkpoint. */
export const COMPARE_EVERY = 100;

/** Says what comes next. @returns the word of rank 0, and whether any rank has been asked to stop */
function turn(ranks: Collective, word: Word, stop: boolean): { word: Word; stop: boolean } {
  const told = gatherNumbers(ranks, [words.indexOf(word), Number(stop)]);
  return { word: words[told[0][0]], stop: told.some(([, wanted]) => wanted === 1) };
}

/**
 * The side of rank 0, which decides when a run saves, evaluates and ends, since clocks and disks differ. A process on its own
 * decides for itself alone.
 */
export class Lead {
  /** Whether another rank has been asked to stop. */
  stopWanted = false;
  private readonly trainer: Trainer;

  constructor(trainer: Trainer) {
    this.trainer = trainer;
  }

  /** Has all ranks train the next step; the caller does so too. */
  step(): void {
    this.say("step");
  }

  /**
   * Compares the weights of all ranks.
   *
   * @param lastGood  the last checkpoint, or null
   * @throws NumericError if they differ
   */
  compare(lastGood: string | null): void {
    this.say("compare");
    const diverged = divergedFrom(this.trainer);
    if (diverged.length === 0) return;
    throw new NumericError(
      `step ${this.trainer.iteration}: the weights of rank ${diverged.join(", ")} are not those of rank 0. Do all hosts run ` +
        "--simd plain, and is their memory sound? " +
        (lastGood === null ? "No checkpoint was written." : `The last checkpoint, ${lastGood}, is of equal weights.`),
    );
  }

  /** Ends the run on all ranks. */
  end({ interrupted }: { interrupted: boolean }): void {
    this.say(interrupted ? "interrupt" : "finish");
  }

  private say(word: Word): void {
    const { ranks } = this.trainer;
    if (ranks.size > 1 && turn(ranks, word, false).stop) this.stopWanted = true;
  }
}

/**
 * The side of all other ranks: trains what rank 0 says, until it ends the run.
 *
 * @param signal  asks to stop; rank 0 hears of it
 * @returns whether the run was interrupted
 */
export async function follow(trainer: Trainer, signal: AbortSignal): Promise<{ interrupted: boolean }> {
  const nextTurn = eventTurns();
  const boundHeap = heapBound();
  for (;;) {
    await nextTurn();
    const { word } = turn(trainer.ranks, "step", signal.aborted);
    if (word === "finish" || word === "interrupt") return { interrupted: word === "interrupt" };
    if (word === "compare")
      divergedFrom(trainer); // rank 0 tells
    else {
      await trainer.step();
      boundHeap();
    }
  }
}

function divergedFrom(trainer: Trainer): number[] {
  const { student, teacher } = trainer.state();
  return divergedRanks(trainer.ranks, [...student.values(), ...teacher.values()]);
}
