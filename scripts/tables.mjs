// Tables of figures over seeds, as Markdown, and their places in a document.
import { readFileSync, writeFileSync } from "node:fs";

const deviation = (values, mean) =>
  Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));

/**
 * One figure of each seed, a number or { value, low, high }, as text: of one seed "0.428", with an interval
 * "0.428 (0.406 to 0.450)"; of several, mean and standard deviation, "0.428 ± 0.004".
 */
export function cell(figures) {
  if (figures.some((figure) => figure === undefined)) return "";
  const values = figures.map((figure) => figure.value ?? figure);
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  if (values.length > 1) return `${mean.toFixed(3)} ± ${deviation(values, mean).toFixed(3)}`;
  const [{ low, high }] = figures;
  return mean.toFixed(3) + (low === undefined ? "" : ` (${low.toFixed(3)} to ${high.toFixed(3)})`);
}

/**
 * @param head  titles of the columns
 * @param perSeed  for each seed an object of rows: name to the figures of the other columns
 */
export function table(head, perSeed) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const rows = Object.entries(perSeed[0]).map(([name, first]) =>
    line([name, ...first.map((_, column) => cell(perSeed.map((rows) => rows[name][column])))]),
  );
  return [line(head), line(head.map(() => "---")), ...rows].join("\n");
}

const opening = (name) => `<!-- table ${name} -->`;
const CLOSING = "<!-- end of table -->";

/** The parts of a document before and after the text of a table, or null if it has no place for it. */
function around(text, name) {
  const start = text.indexOf(opening(name));
  const end = text.indexOf(CLOSING, start);
  if (start < 0 || end < 0) return null;
  return [text.slice(0, start + opening(name).length), text.slice(end)];
}

/** @throws Error that names the tables for which a document has no place */
export function expectPlaces(file, names) {
  const text = readFileSync(file, "utf8");
  const missing = names.filter((name) => around(text, name) === null);
  if (missing.length === 0) return;
  const lines = missing.map((name) => `${opening(name)}\n${CLOSING}`);
  throw new Error(`${file} has no place for ${missing.join(", ")}. Put these lines there first:\n${lines.join("\n")}`);
}

/** Puts tables, by name, between their marks in a document. */
export function writeTables(file, tables) {
  let text = readFileSync(file, "utf8");
  for (const [name, rows] of Object.entries(tables)) {
    const [before, after] = around(text, name);
    text = `${before}\n\n${rows}\n\n${after}`;
  }
  writeFileSync(file, text);
}
