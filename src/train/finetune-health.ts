import { NumericError } from "../errors.js";
import type { FinetuneReport } from "./finetuner.js";

/** Steps in a row that may be not finite. */
const MAX_BAD_STEPS = 5;

/** Watches the steps of a fine-tuning, and ends one that does not recover. */
export class FinetuneHealth {
  private readonly onWarning: (message: string) => void;
  private bad = 0;

  /** @param onWarning  told of the first of several bad steps in a row */
  constructor(onWarning: (message: string) => void = () => {}) {
    this.onWarning = onWarning;
  }

  /** Steps in a row, up to the last, whose loss or gradient was not finite. */
  get badSteps(): number {
    return this.bad;
  }

  /** Takes a step in. @throws NumericError if too many in a row were not finite */
  add({ iteration, updated }: FinetuneReport): void {
    this.bad = updated ? 0 : this.bad + 1;
    if (this.bad === 1) this.onWarning(`step ${iteration}: the loss or a gradient is not finite; the step is skipped.`);
    if (this.bad < MAX_BAD_STEPS) return;
    throw new NumericError(
      `finetune: ${this.bad} steps in a row up to ${iteration} were not finite. Lower --lr, or lengthen --warmup.`,
    );
  }
}
