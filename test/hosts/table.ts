import { type Cell, columns, type Verdict } from "./verdict.js";

/** A row of docs/hosts.md. */
export interface Row {
  readonly name: string;
  readonly version: string;
  readonly verdict: Verdict;
}

const mark = ({ ok, text }: Cell) => `${ok ? "✓" : "✗"} ${text}`;

/** @param first  heading of the first column */
export function markdownTable(first: string, rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line([first, "version", ...columns]),
    line(Array.from({ length: columns.length + 2 }, () => "---")),
    ...rows.map(({ name, version, verdict }) => line([name, version, ...columns.map((name) => mark(verdict[name]))])),
  ].join("\n");
}

/** One row for several places of a host: of each check the first that fails, else the one that says most. */
export function joined(name: string, rows: readonly Row[]): Row {
  const worst = (column: (typeof columns)[number]): Cell => {
    const cells = rows.map(({ verdict }) => verdict[column]);
    return cells.find(({ ok }) => !ok) ?? cells[cells.length - 1];
  };
  const verdict = Object.fromEntries(columns.map((column) => [column, worst(column)])) as unknown as Verdict;
  return { name, version: rows[0].version, verdict };
}

/** A text between two comments of a document replaced. @throws Error if the document has no such comments */
export function withBlock(document: string, block: string, content: string): string {
  const [begin, end] = [`<!-- ${block} -->`, `<!-- end of ${block} -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the document has no ${begin} … ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${content}\n\n${document.slice(to)}`;
}
