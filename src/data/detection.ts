import { ConfigError, DataError } from "../errors.js";
import type { ImageSource } from "./dataset.js";
import { Fingerprint } from "./fingerprint.js";

/** Left, top, right, bottom in pixels, measured from the image's upper left corner: pixel i reaches from i to i + 1. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** An object that an annotator has marked. */
export interface DetectionObject {
  readonly box: Box;
  /** Class, an index into the source's `classes`. */
  readonly label: number;
  /** In square pixels, by which COCO sorts objects into small, medium and large: of the mask where there is one, else of the box. */
  readonly area: number;
  /** One box around many objects (COCO's `iscrowd`): what is found inside is neither right nor wrong. */
  readonly crowd: boolean;
  /** Hardly recognisable (VOC's `difficult`): finding it is neither right nor wrong. */
  readonly difficult: boolean;
}

/** Images with the objects on them. */
export interface DetectionSource extends ImageSource {
  readonly labels: null;
  /** Names of the objects' classes. */
  readonly classes: readonly string[];
  /** The objects of an image. */
  objects(index: number): readonly DetectionObject[];
  /** By which the image is known in a file of results: COCO's number, VOC's name. */
  imageId(index: number): number | string;
  /** By which a class is known in a file of results. */
  categoryId(label: number): number;
}

/** What a detection source is made of, apart from how its images are read. */
export interface AnnotatedImages {
  readonly name: string;
  readonly classes: readonly string[];
  readonly images: readonly {
    readonly path: string;
    readonly id: number | string;
    readonly objects: DetectionObject[];
  }[];
  readonly categoryIds: readonly number[];
}

/** A source over annotated image files. @throws DataError if there is no image */
export function detectionSource(
  { name, classes, images, categoryIds }: AnnotatedImages,
  read: (path: string) => ReturnType<ImageSource["read"]>,
): DetectionSource {
  if (images.length === 0) throw new DataError(`detection: ${name} lists no image.`);
  return {
    name,
    length: images.length,
    labels: null,
    classes,
    read: (index) => read(images[index].path),
    path: (index) => images[index].path,
    objects: (index) => images[index].objects,
    imageId: (index) => images[index].id,
    categoryId: (label) => categoryIds[label],
    fingerprint: () => {
      const hash = new Fingerprint().text("detection");
      for (const className of classes) hash.text(className);
      for (const { id, objects } of images) {
        hash.text(String(id)).text(JSON.stringify(objects.map(({ box, label, crowd }) => [box, label, crowd])));
      }
      return hash.digest();
    },
  };
}

/**
 * The images begin, …, end − 1 of a source.
 *
 * @throws ConfigError unless 0 ≤ begin < end; DataError if the source has fewer than `end` images
 */
export function detectionRange(source: DetectionSource, begin: number, end: number): DetectionSource {
  if (begin >= end) {
    throw new ConfigError(`range: @${begin}..${end} is empty. Give @a..b with 0 <= a < b; b itself is not included.`);
  }
  if (end > source.length) {
    throw new DataError(
      `range: ${source.name} has ${source.length} images, so @${begin}..${end} ends outside. Lower the upper bound.`,
    );
  }
  return {
    ...source,
    name: `${source.name}@${begin}..${end}`,
    length: end - begin,
    read: (index) => source.read(begin + index),
    path: (index) => source.path(begin + index),
    objects: (index) => source.objects(begin + index),
    imageId: (index) => source.imageId(begin + index),
    fingerprint: () => new Fingerprint().text(source.fingerprint()).integers([begin, end]).digest(),
  };
}

/** The same images with labels that count over other classes, which hold the source's own. */
function withClasses(source: DetectionSource, classes: readonly string[]): DetectionSource {
  if (classes.join("\n") === source.classes.join("\n")) return source;
  const labelOf = source.classes.map((name) => classes.indexOf(name));
  const own = new Map(labelOf.map((label, index) => [label, index]));
  const next = 1 + Math.max(0, ...source.classes.map((_, label) => source.categoryId(label)));
  return {
    ...source,
    classes,
    objects: (index) => source.objects(index).map((object) => ({ ...object, label: labelOf[object.label] })),
    categoryId: (label) => (own.has(label) ? source.categoryId(own.get(label)!) : next + label),
  };
}

/** Two sources whose labels mean the same: the classes of the first, and behind them those that only the second has. */
export function withCommonClasses(first: DetectionSource, second: DetectionSource): [DetectionSource, DetectionSource] {
  const classes = [...new Set([...first.classes, ...second.classes])];
  return [withClasses(first, classes), withClasses(second, classes)];
}
