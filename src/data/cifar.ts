import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../errors.js";
import type { ImageSource, RawImage, Split } from "./dataset.js";
import { Fingerprint } from "./fingerprint.js";
import { printable } from "./printable.js";

interface Layout {
  readonly kind: string;
  /** Folder inside the published archive, looked into when the files are not in the given one. */
  readonly archiveFolder: string;
  readonly files: Readonly<Record<Split, RegExp>>;
  readonly expected: Readonly<Record<Split, string>>;
  readonly namesFile: string;
  readonly classCount: number;
  /** Label bytes before the pixels; the last of them is the class. */
  readonly labelBytes: number;
}

const cifar10Layout: Layout = {
  kind: "cifar10",
  archiveFolder: "cifar-10-batches-bin",
  files: { train: /^data_batch_[1-5]\.bin$/, test: /^test_batch\.bin$/ },
  expected: { train: "data_batch_1.bin ... data_batch_5.bin (at least one)", test: "test_batch.bin" },
  namesFile: "batches.meta.txt",
  classCount: 10,
  labelBytes: 1,
};

const cifar100Layout: Layout = {
  kind: "cifar100",
  archiveFolder: "cifar-100-binary",
  files: { train: /^train\.bin$/, test: /^test\.bin$/ },
  expected: { train: "train.bin", test: "test.bin" },
  namesFile: "fine_label_names.txt",
  classCount: 100,
  labelBytes: 2, // coarse, then fine
};

const SIDE = 32;
const PLANE = SIDE * SIDE;
const CHANNELS = 3;

interface RecordFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly firstIndex: number;
}

/**
 * CIFAR-10 in its binary version: whichever of the five training files are there, and the test file. 32x32 RGB.
 *
 * @param folder  where the .bin files are, or the folder that holds `cifar-10-batches-bin`
 * @param options.split  "train", "test", or undefined for both, training images first
 * @throws DataError if no file of the split is there, or a file is not made of whole records with labels 0 to 9
 * Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; https://www.cs.toronto.edu/~kriz/cifar.html.
 */
export function cifar10(folder: string, options: { split?: Split } = {}): ImageSource {
  return openCifar(cifar10Layout, folder, options.split);
}

/** CIFAR-100 in its binary version with the 100 fine labels; otherwise as `cifar10`. */
export function cifar100(folder: string, options: { split?: Split } = {}): ImageSource {
  return openCifar(cifar100Layout, folder, options.split);
}

function openCifar(layout: Layout, folder: string, split: Split | undefined): ImageSource {
  const { root, names } = listFolder(layout, folder);
  const splits: Split[] = split ? [split] : ["train", "test"];
  const chosen = splits.flatMap((part) => names.filter((name) => layout.files[part].test(name)).sort());
  if (chosen.length === 0) {
    const expected = splits.map((part) => layout.expected[part]).join(" or ");
    throw new DataError(
      `${layout.kind}: ${printable(folder)} has no ${expected} (${names.length} entries there). Give the folder of the binary version.`,
    );
  }
  const recordBytes = layout.labelBytes + CHANNELS * PLANE;
  const files: RecordFile[] = [];
  let length = 0;
  for (const name of chosen) {
    const file = {
      name,
      path: join(root, name),
      bytes: readRecords(join(root, name), recordBytes),
      firstIndex: length,
    };
    files.push(file);
    length += file.bytes.length / recordBytes;
  }
  const labels = readLabels(files, layout, length);
  const locate = (index: number): { file: RecordFile; record: number } => {
    const file = files.filter(({ firstIndex }) => firstIndex <= index).at(-1)!;
    return { file, record: index - file.firstIndex };
  };
  return {
    name: `${layout.kind}:${printable(folder)}${split ? `#${split}` : ""}`,
    length,
    labels,
    classes: readClasses(join(root, layout.namesFile), layout.classCount),
    read: (index) => {
      const { file, record } = locate(index);
      return interleave(file.bytes.subarray(record * recordBytes + layout.labelBytes, (record + 1) * recordBytes));
    },
    path: (index) => {
      const { file, record } = locate(index);
      return `${file.path}#${record}`;
    },
    fingerprint: () => {
      const hash = new Fingerprint().text(layout.kind);
      for (const { name, bytes } of files) hash.text(name).integers([bytes.length]);
      return hash.integers(labels).digest();
    },
  };
}

function listFolder(layout: Layout, folder: string): { root: string; names: string[] } {
  const inner = join(folder, layout.archiveFolder);
  const root = existsSync(inner) ? inner : folder;
  try {
    return { root, names: readdirSync(root) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DataError(`${layout.kind}: cannot read the folder ${printable(root)} (${code}). Check the path.`, {
      cause: error,
    });
  }
}

function readRecords(path: string, recordBytes: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DataError(`cifar: cannot read ${printable(path)} (${code}).`, { cause: error });
  }
  if (bytes.length === 0 || bytes.length % recordBytes !== 0) {
    throw new DataError(
      `cifar: ${printable(path)} has ${bytes.length} bytes, not a whole number of records of ${recordBytes}. Copy or download it again.`,
    );
  }
  return bytes;
}

function readLabels(files: readonly RecordFile[], layout: Layout, length: number): Int32Array {
  const recordBytes = layout.labelBytes + CHANNELS * PLANE;
  const labels = new Int32Array(length);
  let index = 0;
  for (const { path, bytes } of files) {
    for (let at = layout.labelBytes - 1; at < bytes.length; at += recordBytes) {
      if (bytes[at] >= layout.classCount) {
        throw new DataError(
          `cifar: ${printable(path)}#${index} has label ${bytes[at]}, expected less than ${layout.classCount}. Is it ${layout.kind}?`,
        );
      }
      labels[index++] = bytes[at];
    }
  }
  return labels;
}

/** Names from the file that comes with the data, or the label numbers where it is missing or does not name every class. */
function readClasses(path: string, count: number): string[] {
  const names = existsSync(path)
    ? readFileSync(path, "utf8")
        .split(/\r?\n/)
        .filter((line) => line.trim() !== "")
    : [];
  return names.length === count ? names : Array.from({ length: count }, (_, label) => String(label));
}

/** From three planes (all red, all green, all blue) to interleaved channels. */
function interleave(planes: Uint8Array): RawImage {
  const data = new Uint8Array(CHANNELS * PLANE);
  for (let i = 0, to = 0; i < PLANE; i++) {
    for (let c = 0; c < CHANNELS; c++) data[to++] = planes[c * PLANE + i];
  }
  return { width: SIDE, height: SIDE, channels: CHANNELS, data };
}
