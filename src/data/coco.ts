import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../errors.js";
import { type Box, type DetectionObject, type DetectionSource, detectionSource } from "./detection.js";
import { notedImages } from "./noted-images.js";
import { printable } from "./printable.js";

/** Where the images of an annotation file are, and who is told of oddities. */
export interface CocoOptions {
  /** Folder of the images that the file names. */
  readonly images: string;
  /** Told once per file about a name that says another format than the content. */
  readonly onNote?: (note: string) => void;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Images and boxes of a file of COCO's instances: `images` (id, file_name), `annotations` (image_id, category_id, bbox as left,
 * top, width, height; iscrowd, area), `categories` (id, name). Category numbers may have gaps; classes are numbered in the
 * order of these numbers. Images without annotations count.
 *
 * @param file  JSON
 * @throws DataError, naming the file and the record, if something is missing or of another kind
 */
export function coco(file: string, { images: folder, onNote }: CocoOptions): DetectionSource {
  const where = printable(file);
  const root = readJson(file, where);
  const categories = [...records(root, "categories", where)].sort((a, b) => Number(a.id) - Number(b.id));
  const categoryIds = categories.map((category, i) => integer(category, "id", `${where}: categories[${i}]`));
  const classes = categories.map((category, i) => text(category, "name", `${where}: categories[${i}]`));
  expectDistinct(classes, `${where}: two categories are called`);
  const labelOf = new Map(categoryIds.map((id, label) => [id, label]));
  const images = [...records(root, "images", where)].map((image, i) => ({
    id: integer(image, "id", `${where}: images[${i}]`),
    path: join(folder, text(image, "file_name", `${where}: images[${i}]`)),
    objects: [] as DetectionObject[],
  }));
  expectDistinct(
    images.map(({ id }) => id),
    `${where}: two images have the id`,
  );
  expectDistinct(categoryIds, `${where}: two categories have the id`);
  const byId = new Map(images.map((image) => [image.id, image]));
  records(root, "annotations", where).forEach((annotation, i) => {
    const at = `${where}: annotations[${i}]${annotation.id === undefined ? "" : ` (id ${printable(String(annotation.id))})`}`;
    const image = byId.get(integer(annotation, "image_id", at));
    if (!image) throw new DataError(`${at}: image_id ${annotation.image_id} is not among the images.`);
    const label = labelOf.get(integer(annotation, "category_id", at));
    if (label === undefined)
      throw new DataError(`${at}: category_id ${annotation.category_id} is not among the categories.`);
    image.objects.push({ ...measures(annotation, at), label, crowd: flag(annotation.iscrowd), difficult: false });
  });
  return detectionSource({ name: `coco:${where}`, classes, images, categoryIds }, notedImages(onNote));
}

function readJson(file: string, where: string): Fields {
  let root: unknown;
  try {
    root = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = error instanceof SyntaxError ? `is not JSON: ${printable(message)}` : `cannot be read (${code})`;
    throw new DataError(`${where}: ${reason}.`, { cause: error });
  }
  if (!isFields(root)) throw new DataError(`${where}: holds no object, expected images, annotations and categories.`);
  return root;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const flag = (value: unknown) => value === 1 || value === true;

function records(root: Fields, key: string, where: string): readonly Fields[] {
  const list = root[key];
  if (!Array.isArray(list)) throw new DataError(`${where}: ${key} is not a list, expected COCO's instances.`);
  const other = list.findIndex((record) => !isFields(record));
  if (other >= 0) throw new DataError(`${where}: ${key}[${other}] is not an object.`);
  return list;
}

function integer(record: Fields, key: string, at: string): number {
  const value = record[key];
  if (typeof value !== "number" || !Number.isSafeInteger(value))
    throw new DataError(`${at}: ${key} is ${printable(String(JSON.stringify(value)))}, expected a whole number.`);
  return value;
}

function text(record: Fields, key: string, at: string): string {
  const value = record[key];
  if (typeof value !== "string" || value === "")
    throw new DataError(`${at}: ${key} is ${printable(String(JSON.stringify(value)))}, expected a text.`);
  return value;
}

/** Box and area of an annotation; a box without width or height, of which COCO has a few, is kept. */
function measures(annotation: Fields, at: string): { box: Box; area: number } {
  const { bbox, area } = annotation;
  const fits = Array.isArray(bbox) && bbox.length === 4 && bbox.every((value) => Number.isFinite(value));
  if (!fits || bbox[2] < 0 || bbox[3] < 0) {
    throw new DataError(
      `${at}: bbox is ${printable(String(JSON.stringify(bbox)))}, expected left, top, width and height.`,
    );
  }
  const [left, top, width, height] = bbox as number[];
  const box: Box = [left, top, left + width, top + height];
  return { box, area: typeof area === "number" && Number.isFinite(area) ? area : width * height };
}

function expectDistinct(values: readonly (string | number)[], message: string): void {
  const seen = new Set<string | number>();
  for (const value of values) {
    if (seen.has(value)) throw new DataError(`${message} ${printable(String(value))}.`);
    seen.add(value);
  }
}
