/** Numbers by key over the iterations of a run, which grow at the end. A number that is missing is NaN. */
export class Columns {
  private readonly rows: number[] = [];
  private readonly byKey = new Map<string, number[]>();

  /** Number of iterations. */
  get length(): number {
    return this.rows.length;
  }

  /** Ascending. */
  get iterations(): readonly number[] {
    return this.rows;
  }

  /** In the order in which they first came. */
  get keys(): readonly string[] {
    return [...this.byKey.keys()];
  }

  /** One number per iteration; none if the key never came. */
  values(key: string): readonly number[] {
    return this.byKey.get(key) ?? [];
  }

  /** The last number that is one; NaN if there is none. */
  last(key: string): number {
    return this.values(key).findLast((value) => !Number.isNaN(value)) ?? Number.NaN;
  }

  /**
   * Adds a row. Where a run was continued from an earlier step, what it had done after that step is dropped.
   *
   * @returns rows dropped
   */
  append(iteration: number, numbers: Readonly<Record<string, number>>): number {
    let kept = this.rows.length;
    while (kept > 0 && this.rows[kept - 1] >= iteration) kept--;
    const dropped = this.rows.length - kept;
    if (dropped > 0) for (const column of [this.rows, ...this.byKey.values()]) column.length = kept;
    this.rows.push(iteration);
    for (const [key, value] of Object.entries(numbers)) {
      if (!this.byKey.has(key)) this.byKey.set(key, new Array<number>(kept).fill(Number.NaN));
      this.byKey.get(key)!.push(value);
    }
    for (const column of this.byKey.values()) if (column.length < this.rows.length) column.push(Number.NaN);
    return dropped;
  }

  /** Other numbers over the same iterations. */
  derived(columns: Readonly<Record<string, readonly number[]>>): Columns {
    const made = new Columns();
    const entries = Object.entries(columns);
    this.rows.forEach((iteration, i) => {
      made.append(iteration, Object.fromEntries(entries.map(([key, values]) => [key, values[i]])));
    });
    return made;
  }

  /** Forgets all numbers. */
  clear(): void {
    this.rows.length = 0;
    this.byKey.clear();
  }
}
