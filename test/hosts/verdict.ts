import { bounds, type Conformance } from "./conformance.js";
import { type RunName, runNames } from "./fifty-steps.js";
import type { Host } from "./host.js";

/** One check of a host. */
export interface Cell {
  readonly ok: boolean;
  readonly text: string;
}

/** The checks in the order of the columns. */
export const columns = ["kernels", "ViT steps", "extraction", "50 steps", "50 steps, threads"] as const;

export type Verdict = Readonly<Record<(typeof columns)[number], Cell>>;

/** Says of each check whether the host passes. @param expected  the committed hashes */
export function verdictOf(
  { threads }: Pick<Host, "threads">,
  found: Conformance,
  expected: Readonly<Record<RunName, string>>,
): Verdict {
  const difference = (value: number, bound: number) => ({ ok: value <= bound, text: value.toExponential(1) });
  return {
    kernels: difference(found.kernels, bounds.kernels),
    "ViT steps": difference(found.step, bounds.step),
    extraction: difference(found.extraction, bounds.extraction),
    "50 steps": hashesCell(found.hashes, expected),
    "50 steps, threads": found.sharedHashes
      ? sharedCell(threads, found, expected)
      : { ok: threads !== "promised", text: `one thread: ${found.threadsProblem ?? "no reason given"}` },
  };
}

function sharedCell(wanted: Host["threads"], found: Conformance, expected: Readonly<Record<RunName, string>>): Cell {
  const { ok, text } = hashesCell(found.sharedHashes!, expected);
  if (wanted === "impossible") return { ok: false, text: "threads where none can be" };
  return { ok, text: `${text}, ${found.threads} threads` };
}

/** Equal means that the weights of all runs have the committed hashes. */
function hashesCell(found: Readonly<Record<RunName, string>>, expected: Readonly<Record<RunName, string>>): Cell {
  const others = runNames.filter((name) => found[name] !== expected[name]);
  return others.length === 0 ? { ok: true, text: "equal" } : { ok: false, text: `differs: ${others.join(", ")}` };
}
