import type { Gate } from "../gates.js";
import { allCases, type Unit } from "./cases.js";
import { type PeerName, peers, wasmPeers } from "./peers.js";
import {
  best,
  type CaseResult,
  type ColumnResult,
  type Comparison,
  columnOf,
  median,
  ratesOf,
  ratio,
} from "./results.js";
import { type Verdict, verdicts } from "./verdicts.js";

const BEGIN = "<!-- measured: begin -->";
const END = "<!-- measured: end -->";

/** The document with what stands between its markers replaced. @throws Error if it has no markers */
export function withTables(text: string, tables: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`bench: the file has no lines ${BEGIN} and ${END}.`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${tables.trim()}\n\n${text.slice(end)}`;
}

const unitOf = new Map(allCases().map(({ name, unit }) => [name, unit]));

const extraLabels: Readonly<Record<string, string>> = {
  peak: "128-bit peak",
  peak24: "128-bit peak, Node 24",
  separate: "poa, separate kernels",
  forward: "poa, forward",
};
const labelOf = (column: string) =>
  extraLabels[column] ?? (peers as Record<string, { label: string }>)[column]?.label ?? column;

/** 3.46, 46.3, 463: three digits, and no more. */
function short(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

function rateText(column: ColumnResult | undefined, unit: Unit): string {
  const rates = column ? ratesOf(column) : [];
  if (rates.length === 0) return "–";
  if (column?.column.startsWith("peak")) return short(median(rates));
  const show = (rate: number) => short(unit === "us" ? 1 / rate : rate);
  return `${show(median(rates))} (${show(Math.max(...rates))})`;
}

/** A line for the terminal. */
export function caseLine(column: ColumnResult, result: CaseResult): string {
  const unit = unitOf.get(result.name) ?? "GFLOP/s";
  const isPeak = column.column.startsWith("peak");
  const text = column.absent ?? `${rateText(column, unit)} ${isPeak ? "GFLOP/s" : unit}`;
  const own = column.column === "ours" || !columnOf(result, "ours") ? null : ratio(result, "ours", column.column);
  const figures = Object.entries(column.figures ?? {}).map(([name, value]) => `${name} ${short(value)}`);
  const parts = [result.name.padEnd(58), labelOf(column.column).padEnd(24), text.padEnd(24)];
  if (own) parts.push(`poa ${own.value.toFixed(2)}x`);
  return [...parts, ...figures].join(" ").trimEnd();
}

/** A line for the terminal. */
export function gateLine({ gate, case: name, value, note, state }: Verdict): string {
  const bound = (limit: number | undefined) =>
    limit === undefined ? "" : `${gate.atMost ? "<=" : ">="} ${short(limit)}`;
  const figures = [value === null ? "–" : short(value), bound(gate.required), bound(gate.aim), gate.unit];
  return [
    state.toUpperCase().padEnd(12),
    gate.name.padEnd(58),
    ...figures.map((text) => text.padStart(9)),
    ` ${name}`,
    note && ` [${note}]`,
  ]
    .join(" ")
    .trimEnd();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const headings: Readonly<Record<CaseResult["group"], string>> = {
  product: "Products and attention, GFLOP/s",
  row: "Rows and elements, Melem/s",
  convolution: "Convolution, GFLOP/s",
  overhead: "Small operations, microseconds each",
  step: "A training step, samples/s",
  poa: "The POA step, images/s",
  threads: "Two threads",
};

function groupTable(group: string, results: readonly CaseResult[]): string {
  const columns = [...new Set(results.flatMap((result) => result.columns.map(({ column }) => column)))];
  const present = columns.filter((column) =>
    results.some((result) => ratesOf(columnOf(result, column) ?? none).length > 0),
  );
  const ratios: [string, (result: CaseResult) => string][] = [];
  const against = (name: string, names: readonly string[], digits = 2) => {
    const cell = (result: CaseResult) => {
      const other = best(result, names);
      const found = other && ratio(result, "ours", other);
      return found ? `${found.value.toFixed(digits)}${digits === 2 ? "x" : ""}` : "–";
    };
    if (results.some((result) => cell(result) !== "–")) ratios.push([name, cell]);
  };
  if (group !== "threads") {
    against("poa : best Wasm peer", wasmPeers);
    against("poa : PyTorch", ["torch"]);
    if (group === "product") against("poa : peak", ["peak"]);
    if (group === "poa") against("images/s per GFLOP/s", ["peak"], 3);
  } else {
    ratios.push(["two : one", (result) => ratioCell(result, "ours2", "ours")]);
  }
  const head = ["case", ...present.map(labelOf), ...ratios.map(([name]) => name)];
  const rows = results.map((result) => [
    result.name.replace(", two threads", ""),
    ...present.map((column) => rateText(columnOf(result, column), unitOf.get(result.name) ?? "GFLOP/s")),
    ...ratios.map(([, cell]) => cell(result)),
  ]);
  return present.length > 0 ? table(head, rows) : "";
}

const none: ColumnResult = { column: "", peer: "ours", rates: [] };

function ratioCell(result: CaseResult, column: string, other: string): string {
  const found = ratio(result, column, other);
  return found ? `${found.value.toFixed(2)}x` : "–";
}

/** What is missing from a table, each reason once. */
function gaps(results: readonly CaseResult[]): string {
  const reasons = new Map<string, string[]>();
  for (const { name, columns } of results) {
    for (const { column, absent } of columns) {
      if (!absent) continue;
      const key = `${labelOf(column)}: ${absent}`;
      reasons.set(key, [...(reasons.get(key) ?? []), name]);
    }
  }
  const lines = [...reasons].map(([reason, names]) => {
    const some = names.length > 3 ? `${names.length} of ${results.length} cases` : names.join("; ");
    const where = names.length === results.length ? "everywhere" : some;
    return `- ${reason} (${where})`;
  });
  return lines.length > 0 ? `Not in the table:\n\n${lines.join("\n")}` : "";
}

function figuresOf(results: readonly CaseResult[]): string {
  const lines = results.flatMap(({ name, columns }) =>
    columns.flatMap(({ column, figures }) => {
      const entries = Object.entries(figures ?? {});
      if (entries.length === 0) return [];
      return [`- ${name}${column === "ours" ? "" : ` (${labelOf(column)})`}: ${entries.map(figureText).join(", ")}`];
    }),
  );
  return lines.join("\n");
}

const figureNames: Readonly<Record<string, string>> = {
  arithmeticShare: "product, attention and normalisation kernels",
  kernelShare: "all kernels",
};

function figureText([name, value]: [string, number]): string {
  if (name === "rssMiB") return `peak resident memory ${value.toFixed(0)} MiB`;
  return `${figureNames[name] ?? `\`${name}\``} ${(100 * value).toFixed(1)} %`;
}

function environment({ machine, date, rounds, clock, pinned, idleCores, versions, absent }: Comparison): string {
  const programs = (Object.keys(peers) as PeerName[]).flatMap((name) => {
    const { label } = peers[name];
    const found = versions[name];
    if (found)
      return [
        `- ${label}: ${Object.entries(found)
          .map(([what, version]) => `${what} ${version}`)
          .join(", ")}`,
      ];
    return absent[name] ? [`- ${label}: did not start: ${absent[name]}`] : [];
  });
  const cores = pinned
    ? "every single-threaded process held on the last core by taskset"
    : "processes not held on a core";
  const time = clock === "wall" ? "" : "time of the processor, not of the wall; ";
  return [
    `${machine}; ${date}; ${rounds} rounds; ${time}${cores}; two processes do ${idleCores.toFixed(2)}x the work of one.`,
    [...new Set(programs)].join("\n"),
  ].join("\n\n");
}

/** What a gate could not measure for one reason, in one line. */
export function condensed(results: readonly Verdict[]): Verdict[] {
  const lines = new Map<string, Verdict[]>();
  for (const [i, result] of results.entries()) {
    const key = result.state === "not measured" ? `${result.gate.name} ${result.note}` : String(i);
    lines.set(key, [...(lines.get(key) ?? []), result]);
  }
  return [...lines.values()].map((same) => (same.length > 1 ? { ...same[0], case: `${same.length} cases` } : same[0]));
}

function gateTable(results: readonly Verdict[]): string {
  const bound = ({ atMost }: Gate, limit: number | undefined) =>
    limit === undefined ? "" : `${atMost ? "≤" : "≥"} ${short(limit)}`;
  const rows = results.map(({ gate, case: name, value, note, state }) => [
    gate.name,
    name,
    value === null ? "–" : `${short(value)} ${gate.unit}`,
    bound(gate, gate.required),
    bound(gate, gate.aim),
    state,
    note,
  ]);
  return table(["gate", "case", "measured", "required", "aim", "result", "note"], rows);
}

/** Everything that is measured, for docs/performance.md. */
export function document(comparison: Comparison, gates: readonly Gate[]): string {
  const groups = [...new Set(comparison.cases.map(({ group }) => group))];
  const sections = groups.map((group) => {
    const results = comparison.cases.filter((result) => result.group === group);
    const parts = [`### ${headings[group]}`, groupTable(group, results), figuresOf(results), gaps(results)];
    return parts.filter(Boolean).join("\n\n");
  });
  return [
    "### Machine and versions",
    environment(comparison),
    ...sections,
    "### Gates",
    gateTable(condensed(verdicts(gates, comparison))),
  ].join("\n\n");
}
