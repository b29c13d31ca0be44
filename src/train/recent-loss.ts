/** The mean loss over the last steps of a run. */
export class RecentLoss {
  private readonly size: number;
  private readonly losses: number[] = [];

  /** @param size  steps that count */
  constructor(size: number) {
    this.size = size;
  }

  /** @param loss  of a step whose weights were updated; others do not count */
  add(loss: number): void {
    this.losses.push(loss);
    if (this.losses.length > this.size) this.losses.shift();
  }

  /** null before the first step. */
  mean(): number | null {
    const { losses } = this;
    return losses.length === 0 ? null : losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  }
}
