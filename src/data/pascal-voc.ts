import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseXml, XmlElement, type XmlNode } from "@rgrove/parse-xml";
import { DataError } from "../errors.js";
import { type DetectionObject, type DetectionSource, detectionSource } from "./detection.js";
import { notedImages } from "./noted-images.js";
import { printable } from "./printable.js";

/** Lists that a folder of VOC may have. */
const splits = ["train", "val", "trainval", "test"] as const;

/** One of the lists of a folder of VOC. */
export type VocSplit = (typeof splits)[number];

/** Which list of a folder of VOC is taken, and who is told of oddities. */
export interface PascalVocOptions {
  readonly split: VocSplit;
  /** Told once per file about a name that says another format than the content. */
  readonly onNote?: (note: string) => void;
}

const imageExtensions = [".jpg", ".jpeg", ".png"];

/** An object under the name of its class. */
interface NamedObject extends Omit<DetectionObject, "label"> {
  readonly className: string;
}

/** The splits for which a folder has a list. */
export function vocSplits(folder: string): VocSplit[] {
  return splits.filter((split) => existsSync(listOf(folder, split)));
}

/**
 * Images and boxes as the PASCAL VOC challenges lay them out: `ImageSets/Main/SPLIT.txt` with a name a line,
 * `Annotations/NAME.xml`, `JPEGImages/NAME.jpg` (or .jpeg, .png). VOC counts pixels from 1 and includes the last, so a box
 * reaches from xmin − 1 to xmax here. Classes are those of the split's objects, in the order of their names.
 *
 * @param folder  for instance VOCdevkit/VOC2007
 * @throws DataError, naming the file, if a list, an annotation or an image is missing, or an annotation is broken
 */
export function pascalVoc(folder: string, { split, onNote }: PascalVocOptions): DetectionSource {
  const names = namesIn(folder, split);
  const annotated = names.map((name) => ({
    path: imageOf(folder, name),
    id: name,
    named: readAnnotation(join(folder, "Annotations", `${name}.xml`)),
  }));
  const classes = [...new Set(annotated.flatMap(({ named }) => named.map(({ className }) => className)))].sort();
  const labelOf = new Map(classes.map((name, label) => [name, label]));
  const images = annotated.map(({ path, id, named }) => ({
    path,
    id,
    objects: named.map(({ className, ...object }) => ({ ...object, label: labelOf.get(className)! })),
  }));
  const categoryIds = classes.map((_, label) => label + 1);
  return detectionSource(
    { name: `voc:${printable(folder)}#${split}`, classes, images, categoryIds },
    notedImages(onNote),
  );
}

const listOf = (folder: string, split: VocSplit) => join(folder, "ImageSets", "Main", `${split}.txt`);

function namesIn(folder: string, split: VocSplit): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new DataError(
      `voc: ${printable(folder)} is not a folder. Name the one that holds Annotations and JPEGImages.`,
    );
  const list = listOf(folder, split);
  const present = vocSplits(folder);
  if (!present.includes(split)) {
    const others = present.length > 0 ? `It has ${present.map((name) => `#${name}`).join(", ")}.` : "It has no split.";
    throw new DataError(`voc: ${printable(list)} does not exist. ${others}`);
  }
  // Lists of one class have a second column.
  const names = readFileSync(list, "utf8")
    .split(/\r?\n/)
    .map((line) => line.trim().split(/\s+/)[0]);
  return names.filter((name) => name !== "");
}

function imageOf(folder: string, name: string): string {
  const paths = imageExtensions.map((extension) => join(folder, "JPEGImages", name + extension));
  return paths.find((path) => existsSync(path)) ?? paths[0];
}

/** The objects of one annotation file. @throws DataError that starts with its path */
function readAnnotation(path: string): NamedObject[] {
  const file = printable(path);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DataError(`${file}: cannot be read (${code}). The list of the split names it.`, { cause: error });
  }
  const root = parse(text, file);
  if (root?.name !== "annotation") {
    throw new DataError(`${file}: the outermost element is <${root?.name}>, expected <annotation>.`);
  }
  return childrenOf(root, "object").map((object, i) => namedObject(object, `${file}: object ${i + 1}`));
}

function parse(text: string, file: string): XmlElement | null {
  try {
    // The parser knows the five entities of XML and refuses all others, so none can be made to grow.
    return parseXml(text.replace(/^\uFEFF/, "")).root;
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw new DataError(`${file}: is not well-formed XML: ${printable(reason)}.`, { cause: error });
  }
}

function namedObject(object: XmlElement, where: string): NamedObject {
  const className = textOf(object, "name");
  if (className === "") throw new DataError(`${where} has no <name>.`);
  const [bounds] = childrenOf(object, "bndbox");
  if (!bounds) throw new DataError(`${where} (${printable(className)}) has no <bndbox>.`);
  const [xmin, ymin, xmax, ymax] = ["xmin", "ymin", "xmax", "ymax"].map((edge) => {
    const text = textOf(bounds, edge);
    const value = Number(text);
    if (text === "" || !Number.isFinite(value))
      throw new DataError(`${where} (${printable(className)}): <${edge}> is "${printable(text)}", expected a number.`);
    return value;
  });
  if (xmax < xmin || ymax < ymin) {
    throw new DataError(
      `${where} (${printable(className)}): the box ends before it begins (x ${xmin} to ${xmax}, y ${ymin} to ${ymax}).`,
    );
  }
  return {
    className,
    box: [xmin - 1, ymin - 1, xmax, ymax],
    area: (xmax - xmin + 1) * (ymax - ymin + 1),
    crowd: false,
    difficult: textOf(object, "difficult") === "1",
  };
}

const isElement = (node: XmlNode): node is XmlElement => node instanceof XmlElement;

function childrenOf(parent: XmlElement, name: string): XmlElement[] {
  return parent.children.filter(isElement).filter((child) => child.name === name);
}

/** Text of the first child of that name, "" if there is none. */
function textOf(parent: XmlElement, name: string): string {
  return childrenOf(parent, name)[0]?.text.trim() ?? "";
}
