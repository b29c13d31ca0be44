import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { DataError } from "../errors.js";
import type { ImageSource } from "./dataset.js";
import type { EncodedOptions } from "./encoded-source.js";
import { fileCollection } from "./file-collection.js";
import { numberLabels } from "./labels.js";
import { printable } from "./printable.js";

/**
 * The image files that a text file names: one path a line, relative to the text file's folder, with its label behind a tab if there
 * is one. Empty lines are passed over. The order of the images is that of the lines; a path may stand there more than once.
 *
 * @param file  path of the text file (UTF-8)
 * @param options  decoding, notes
 * @throws DataError if the file cannot be read, names no image, has two tabs in a line, or labels for some of the images only
 */
export function imageList(file: string, options: EncodedOptions = {}): ImageSource {
  const lines = readLines(file);
  if (lines.length === 0)
    throw new DataError(`list: ${printable(file)} names no image. Write one path a line, with its label behind a tab.`);
  const labelling = numberLabels(
    lines.map(({ label }) => label),
    (index) => `list: ${printable(file)}, line ${lines[index].number}`,
  );
  const paths = lines.map(({ path }) => path);
  return fileCollection(
    { kind: "list", name: `list:${printable(file)}`, folder: dirname(file), paths, ...labelling },
    options,
  );
}

interface Line {
  /** From 1 on. */
  readonly number: number;
  readonly path: string;
  readonly label: string | null;
}

function readLines(file: string): Line[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DataError(`list: ${printable(file)} cannot be read (${code}). Give a text file of paths.`, {
      cause: error,
    });
  }
  const lines: Line[] = [];
  text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .forEach((content, index) => {
      if (content.trim() === "") return;
      const [path, label, ...more] = content.split("\t");
      const where = `list: ${printable(file)}, line ${index + 1}`;
      if (path === "" || path.includes("\0"))
        throw new DataError(`${where}: there is no path. Write the path first, then a tab and the label.`);
      if (more.length > 0)
        throw new DataError(`${where}: ${more.length + 1} tabs, expected at most one, between path and label.`);
      lines.push({ number: index + 1, path, label: label?.trim() || null });
    });
  return lines;
}
