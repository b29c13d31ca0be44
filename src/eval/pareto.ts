/** What a choice is worth, the more the better, and what it costs, the less the better. */
export interface Tradeoff {
  readonly value: number;
  /** The same quantities in the same order for every choice. */
  readonly costs: readonly number[];
}

/**
 * Which choices lie on the Pareto front: no other one is as good and as cheap in every respect, and better in one. Of equal
 * choices either all do or none does.
 */
export function paretoFront(choices: readonly Tradeoff[]): boolean[] {
  return choices.map((choice) => !choices.some((other) => dominates(other, choice)));
}

function dominates(a: Tradeoff, b: Tradeoff): boolean {
  const asGood = a.value >= b.value && a.costs.every((cost, i) => cost <= b.costs[i]);
  return asGood && (a.value > b.value || a.costs.some((cost, i) => cost < b.costs[i]));
}
