import type { Gate } from "../gates.js";
import { best, type CaseResult, type Comparison, columnOf, median, ratesOf, ratio } from "./results.js";

/** How a gate came out in one case. */
export interface Verdict {
  readonly gate: Gate;
  readonly case: string;
  readonly value: number | null;
  /** Why there is no value, or in how many rounds it was taken. */
  readonly note: string;
  readonly state: "pass" | "fail" | "not measured";
}

/** Holds the results against the gates. A gate whose cases were not run is not measured. */
export function verdicts(gates: readonly Gate[], { cases }: Comparison): Verdict[] {
  return gates.flatMap((gate) => {
    const concerned = cases.filter(({ name }) => gate.cases.test(name));
    if (concerned.length === 0) return [unmeasured(gate, "", "its case was not run")];
    return concerned.map((result) => verdict(gate, result));
  });
}

function verdict(gate: Gate, result: CaseResult): Verdict {
  const measured = measuredBy(gate, result);
  if ("reason" in measured) return unmeasured(gate, result.name, measured.reason);
  const { value, note } = measured;
  const passed = gate.atMost ? value <= gate.required : value >= gate.required;
  return { gate, case: result.name, value, note, state: passed ? "pass" : "fail" };
}

function unmeasured(gate: Gate, name: string, note: string): Verdict {
  return { gate, case: name, value: null, note, state: "not measured" };
}

type Measured = { readonly value: number; readonly note: string } | { readonly reason: string };

function measuredBy({ measure }: Gate, result: CaseResult): Measured {
  const column = columnOf(result, measure.column);
  const rates = column ? ratesOf(column) : [];
  if (!column || rates.length === 0) return { reason: `${measure.column}: ${column?.absent ?? "not in this case"}` };
  if (measure.kind === "microseconds") return { value: 1 / median(rates), note: `${rates.length} rounds` };
  if (measure.kind === "figure") {
    const value = column.figures?.[measure.figure];
    return value === undefined ? { reason: `no ${measure.figure}` } : { value, note: "" };
  }
  const against = best(result, measure.against);
  if (!against) {
    const reasons = measure.against.map((name) => `${name}: ${columnOf(result, name)?.absent ?? "not in this case"}`);
    return { reason: [...new Set(reasons)].join("; ") };
  }
  const found = ratio(result, measure.column, against);
  if (!found) return { reason: `no round in which ${measure.column} and ${against} both ran` };
  const of = measure.against.length > 1 ? `against ${against}, ` : "";
  return { value: found.value * (measure.factor ?? 1), note: `${of}${found.rounds} rounds` };
}
