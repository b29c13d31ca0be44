import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { DataError } from "../errors.js";
import type { ImageSource } from "./dataset.js";
import { type EncodedOptions, encodedSource } from "./encoded-source.js";
import { Fingerprint } from "./fingerprint.js";
import { numberLabels } from "./labels.js";
import { printable } from "./printable.js";
import { readTar, type TarEntry, type TarReader } from "./tar.js";

/** One image with its label, both by where they are. */
interface Sample {
  readonly shard: string;
  readonly image: TarEntry;
  readonly label: string | null;
}

/** What is lost of a damaged shard, which counts as one image that is broken. */
interface Rest {
  readonly shard: string;
  /** Byte and reason. */
  readonly damage: string;
}

type Item = Sample | Rest;

/** Endings of an image, the first that a sample has is taken. */
const imageEndings = ["jpg", "jpeg", "jpe", "png", "webp"];
/** Endings of a label, likewise. */
const labelEndings = ["cls", "json"];
const MAX_LABEL_BYTES = 2 ** 20;
const MAX_IMAGE_BYTES = 2 ** 30;
const WINDOW_BYTES = 2 ** 16;

/**
 * Images in tar shards of the WebDataset layout. Members of one name up to its first dot are a sample: an image (.jpg, .jpeg, .png,
 * .webp) and its label, `.cls` with a number or a name, or `.json` with a number or a name under "label", "cls" or "class".
 *
 * Shards are read in place: opening walks their headers and reads the labels, an image is read when it is asked for. Nothing is
 * ever unpacked. An image whose name leads outside (absolute, or with `..`), or that is a link or a device, is a broken image; so is,
 * once, what follows the place where a shard is damaged or cut off.
 *
 * @param shards  paths
 * @param options  decoding, notes
 * @returns the images in the order of the shards and, within one, of its members; without labels if no sample has one
 * @throws DataError if a shard is missing or compressed, has a sample twice, or a label that cannot be read; if there is no image in
 *   any shard; and if some samples have labels and others have none
 * Source: https://github.com/webdataset/webdataset, "The WebDataset Format".
 */
export function webDataset(shards: readonly string[], options: EncodedOptions = {}): ImageSource {
  const items = withWholeLabels(shards.flatMap(readShard));
  if (!items.some(isSample)) {
    const [rest] = items as Rest[];
    if (rest !== undefined) throw new DataError(`wds: ${printable(rest.shard)}: ${rest.damage}`);
    const endings = imageEndings.map((ending) => `.${ending}`).join(" ");
    throw new DataError(
      `wds: no images in the ${shards.length} shards from ${printable(shards[0] ?? "")} on. Looked for ${endings}.`,
    );
  }
  const path = (index: number): string => pathOf(items[index]);
  const { labels, classes } = numberLabels(labelsOf(items), (index) => `wds: ${printable(path(index))}`);
  return encodedSource(
    {
      name: `wds:${printable(shards.length === 1 ? shards[0] : `${shards[0]} and ${shards.length - 1} more`)}`,
      length: items.length,
      labels,
      classes,
      path,
      bytes: (index) => readItem(items[index]),
      fingerprint: () => {
        const hash = new Fingerprint().text("wds");
        for (const item of items) {
          hash.text(basename(item.shard)).text(nameOf(item));
          if (isSample(item)) hash.integers([item.image.sizeBytes]);
        }
        return hash.integers(labels ?? []).digest();
      },
    },
    options,
  );
}

const isSample = (item: Item): item is Sample => "image" in item;

const nameOf = (item: Item) => (isSample(item) ? item.image.name : "(rest)");

const pathOf = (item: Item) => `${item.shard}#${nameOf(item)}`;

/** Without images whose label got lost with the rest of their shard. */
function withWholeLabels(items: readonly Item[]): Item[] {
  const labelled = items.some((item) => isSample(item) && item.label !== null);
  const atDamage = (i: number) => i + 1 < items.length && !isSample(items[i + 1]);
  return items.filter((item, i) => !(labelled && isSample(item) && item.label === null && atDamage(i)));
}

/** For what is lost, which no batch will hold, the label of the image before it, or of the first one. */
function labelsOf(items: readonly Item[]): (string | null)[] {
  let { label } = items.find(isSample)!;
  return items.map((item) => {
    if (isSample(item)) label = item.label;
    return label;
  });
}

async function readItem(item: Item): Promise<Uint8Array> {
  const label = printable(pathOf(item));
  if (!isSample(item)) throw new DataError(`${label}: ${item.damage} What follows is lost.`);
  return readMember(item, label);
}

async function readMember({ shard, image }: Sample, label: string): Promise<Uint8Array> {
  const fault = faultOf(image);
  if (fault !== null)
    throw new DataError(`${label}: ${fault}. Put an ordinary image under an ordinary name into the shard.`);
  const bytes = new Uint8Array(image.sizeBytes);
  try {
    const file = await open(shard);
    try {
      const { bytesRead } = await file.read(bytes, 0, bytes.length, image.offset);
      if (bytesRead < bytes.length) throw new DataError(`${label}: the shard has become shorter. Was it changed?`);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof DataError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new DataError(`${label}: the shard cannot be read (${code}). Was it moved or deleted?`, { cause: error });
  }
  return bytes;
}

/** Why a member is not read, or null. */
function faultOf({ name, kind, sizeBytes }: TarEntry): string | null {
  if (sizeBytes > MAX_IMAGE_BYTES) return `has ${sizeBytes} bytes, too many for an image`;
  if (kind !== "file") return kind === "link" ? "is a link" : `is no ordinary file (${kind})`;
  if (/^([/\\]|[a-z]:)/i.test(name)) return "its name is an absolute path";
  return name.split(/[/\\]/).includes("..") ? "its name leads out of the shard" : null;
}

function readShard(shard: string): Item[] {
  const label = `wds: ${printable(shard)}`;
  let file: number;
  try {
    file = openSync(shard, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DataError(`${label} cannot be read (${code}). Check the path.`, { cause: error });
  }
  try {
    const { size } = fstatSync(file);
    const read = windowOf(file, size);
    const magic = read(0, Math.min(2, size));
    if (magic[0] === 0x1f && magic[1] === 0x8b)
      throw new DataError(`${label} is compressed by gzip, so it cannot be read in place. Run: gunzip FILE`);
    const members = new UndamagedMembers(readTar(read, size, label));
    const samples = gather(members, shard, read);
    if (members.damage === null) return samples;
    return [...samples, { shard, damage: members.damage.slice(`${label}: `.length) }];
  } finally {
    closeSync(file);
  }
}

/** The members of a shard up to where it is damaged. */
class UndamagedMembers implements Iterable<TarEntry> {
  private readonly all: Iterable<TarEntry>;
  /** The message about what ended them before the end of the shard. */
  damage: string | null = null;

  constructor(all: Iterable<TarEntry>) {
    this.all = all;
  }

  *[Symbol.iterator](): Iterator<TarEntry> {
    try {
      yield* this.all;
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.damage = error.message;
    }
  }
}

/** Reads a file by windows, since headers lie close together where members are small. */
function windowOf(file: number, sizeBytes: number): TarReader {
  const window = Buffer.alloc(WINDOW_BYTES);
  let [begin, end] = [0, 0];
  return (offset, length) => {
    if (length > WINDOW_BYTES) {
      const bytes = Buffer.alloc(length);
      readSync(file, bytes, 0, length, offset);
      return bytes;
    }
    if (offset < begin || offset + length > end) {
      begin = offset;
      end = offset + readSync(file, window, 0, Math.min(WINDOW_BYTES, sizeBytes - offset), offset);
    }
    return window.subarray(offset - begin, offset - begin + length);
  };
}

/** Members by sample, in the order in which samples begin. */
function gather(members: Iterable<TarEntry>, shard: string, read: TarReader): Sample[] {
  const samples = new Map<string, { entries: Map<string, TarEntry>; label: string | null }>();
  for (const entry of members) {
    if (entry.kind === "folder") continue;
    const [, key, ending] = /^((?:.*\/)?[^/.]*)\.?([^/]*)$/s.exec(entry.name)!;
    const kind = ending.toLowerCase();
    if (!imageEndings.includes(kind) && !labelEndings.includes(kind)) continue;
    const sample = samples.get(key) ?? { entries: new Map(), label: null };
    samples.set(key, sample);
    const where = `wds: ${printable(`${shard}#${entry.name}`)}, at byte ${entry.offset},`;
    if (sample.entries.has(kind)) throw new DataError(`${where} stands in the shard twice. Write the shard again.`);
    sample.entries.set(kind, entry);
    if (labelEndings.includes(kind) && faultOf(entry) === null && (kind === "cls" || !sample.entries.has("cls")))
      sample.label = readLabel(entry, kind, read, where) ?? sample.label;
  }
  return [...samples.values()].flatMap(({ entries, label }) => {
    const ending = imageEndings.find((name) => entries.has(name));
    return ending === undefined ? [] : [{ shard, image: entries.get(ending)!, label }];
  });
}

/** The label as text; null if the JSON has none. */
function readLabel(entry: TarEntry, kind: string, read: TarReader, where: string): string | null {
  if (entry.sizeBytes > MAX_LABEL_BYTES)
    throw new DataError(`${where} has ${entry.sizeBytes} bytes, too many for a label.`);
  const content = new TextDecoder().decode(read(entry.offset, entry.sizeBytes)).trim();
  if (kind === "cls") {
    if (content === "") throw new DataError(`${where} is empty. Write the number or name of the class.`);
    return content;
  }
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new DataError(`${where} is not valid JSON (${(error as Error).message}).`, { cause: error });
  }
  if (typeof value === "object" && value !== null) {
    const fields = value as Record<string, unknown>;
    const name = ["label", "cls", "class"].find((field) => Object.hasOwn(fields, field));
    if (name === undefined || fields[name] === null) return null;
    value = fields[name];
  }
  if (typeof value === "string" || (Number.isSafeInteger(value) && (value as number) >= 0)) return String(value);
  throw new DataError(`${where} has the label ${JSON.stringify(value)}, expected a whole number from 0 or a name.`);
}
