import { checkSource, type Finding, type SourceReport } from "../../data/check-source.js";
import { printable } from "../../data/printable.js";
import { openSource } from "../../data/source-spec.js";
import type { Command } from "../command.js";
import { strictOption } from "../common-options.js";
import { formatDuration, formatTable, type Output } from "../output.js";

/** Exit code for data with broken images. */
const BROKEN_DATA = 3;
/** Lines that people are shown of a list; --json has all. */
const SHOWN = 10;
/** Classes shown, the smallest first where there are more. */
const SHOWN_CLASSES = 20;

export const check: Command = {
  name: "check",
  summary: "read every image of a data set and report what is broken, doubled or odd",
  options: {
    data: { value: "SPEC", about: "images; without #split, all of them" },
    strict: strictOption,
  },
  examples: ["poa check --data photos/", "poa check --data cifar10:DIR#train --json"],
  async run(call, output) {
    const data = call.required("data");
    const notes: string[] = [];
    const source = await openSource(data, { channels: "stored", onNote: (note) => void notes.push(note) });
    const report = await checkSource(source, { strict: call.flag("strict"), onProgress: progressOf(output) });
    output.result({ data, ...report, notes }, textOf(report, source.name, notes));
    return report.broken.length > 0 ? BROKEN_DATA : 0;
  },
};

/** A line with the rate and the time that is left. */
function progressOf(output: Output): (done: number, total: number) => void {
  const start = performance.now();
  return (done, total) => {
    const line = () => {
      const rate = done / Math.max(1e-3, (performance.now() - start) / 1000);
      return `check: ${done}/${total} images, ${Math.round(rate)} images/s, eta ${formatDuration((total - done) / rate)}`;
    };
    output.progress(line, { final: done === total });
  };
}

function textOf(report: SourceReport, name: string, notes: readonly string[]): string {
  const { count, broken, classes, sizes, channels, duplicates, suspicious } = report;
  const size = ({ width, height }: { width: number; height: number }) => `${width} × ${height}`;
  const kinds = Object.entries(channels).map(([n, images]) => `${images} ${n === "1" ? "grey" : "colour"}`);
  const across = duplicates.acrossClasses > 0 ? `, ${duplicates.acrossClasses} of them across classes` : "";
  const groups = `${duplicates.groups.length} group${duplicates.groups.length === 1 ? "" : "s"}`;
  return [
    `${name}: ${count} images can be read, ${broken.length} cannot`,
    ...(sizes ? [`sizes: ${size(sizes.min)} least, ${size(sizes.median)} median, ${size(sizes.max)} largest`] : []),
    ...(kinds.length > 0 ? [`channels: ${kinds.join(", ")}`] : []),
    ...classLines(classes),
    duplicates.count === 0
      ? "duplicates: none"
      : `duplicates: ${duplicates.count} images equal another one, in ${groups}${across}`,
    ...listed(duplicates.groups.map((group) => group.map(printable).join(" = "))),
    ...section("suspicious", suspicious.map(lineOf)),
    ...section("notes", notes),
    ...section("broken", broken.map(lineOf)),
  ].join("\n");
}

const lineOf = ({ path, reason }: Finding) => `${printable(path)}: ${reason}`;

function classLines(classes: SourceReport["classes"]): string[] {
  if (classes.length === 0) return ["classes: none, the images have no labels"];
  const bySize = classes.toSorted((a, b) => a.count - b.count);
  const spread = `${bySize[0].count} to ${bySize[bySize.length - 1].count} images each`;
  const shown = classes.length > SHOWN_CLASSES ? bySize.slice(0, SHOWN) : classes;
  const rows = formatTable(shown.map(({ name, count }) => [`  ${printable(name)}`, String(count)]));
  const rest = classes.length > shown.length ? [`  … and ${classes.length - shown.length} larger ones`] : [];
  return [`classes: ${classes.length}, ${spread}`, ...rows.split("\n"), ...rest];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}: ${lines.length}`, ...listed(lines)];
}

function listed(lines: readonly string[]): string[] {
  const rest = lines.length > SHOWN ? [`  … and ${lines.length - SHOWN} more; --json lists all`] : [];
  return [...lines.slice(0, SHOWN).map((line) => `  ${line}`), ...rest];
}
