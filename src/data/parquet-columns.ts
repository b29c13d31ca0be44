import type { FileMetaData, SchemaElement, SchemaTree } from "hyparquet";
import { DataError } from "../errors.js";
import { printable } from "./printable.js";

/** A column of single values, alone or within a group. */
export interface ParquetColumn {
  /** Of the column or of its group. */
  readonly name: string;
  /** From the outermost group to the column itself. */
  readonly elements: readonly SchemaElement[];
}

/** Which columns of a file hold what. */
export interface ParquetColumns {
  readonly image: ParquetColumn;
  /** Null if there is none. */
  readonly label: ParquetColumn | null;
}

/** Columns under these names are looked for, in this order. */
const imageNames = ["image", "img"];
const labelNames = ["label", "labels", "fine_label", "class"];

/**
 * Finds the columns of images and labels.
 *
 * @param columns  of the file
 * @param wanted  names that the caller gives; undefined to look for the usual ones
 * @param label  of the file, for messages
 * @throws DataError that lists the columns, if one is missing, the image column holds no bytes or the label column no single values
 */
export function chooseColumns(
  columns: readonly SchemaTree[],
  wanted: { readonly image?: string; readonly label?: string },
  label: string,
): ParquetColumns {
  const refuse = (reason: string): never => {
    const listed = columns.map((column) => `${printable(column.element.name)} (${kindOf(column)})`).join(", ");
    throw new DataError(`${label} ${reason}. Its columns: ${listed}.`);
  };
  const named = (names: readonly string[]): SchemaTree | undefined =>
    names.map((name) => columns.find(({ element }) => element.name === name)).find((column) => column !== undefined);
  const found = wanted.image === undefined ? (named(imageNames) ?? onlyBytes(columns)) : named([wanted.image]);
  if (found === undefined)
    return refuse(`has no column ${printable(wanted.image ?? imageNames.join(" or "))} of images`);
  const image = bytesOf(found);
  if (image === null)
    return refuse(
      `has no encoded images (bytes, or a group with bytes) in its column ${printable(found.element.name)}`,
    );
  const labels = named(wanted.label === undefined ? labelNames : [wanted.label]);
  if (wanted.label !== undefined && labels === undefined) refuse(`has no column ${printable(wanted.label)} of labels`);
  if (labels && !isSingle(labels))
    refuse(`has no single values in its column ${printable(labels.element.name)} of labels`);
  return { image, label: labels ? { name: labels.element.name, elements: [labels.element] } : null };
}

function onlyBytes(columns: readonly SchemaTree[]): SchemaTree | undefined {
  const found = columns.filter((column) => bytesOf(column) !== null);
  return found.length === 1 ? found[0] : undefined;
}

/** Bytes that are no text, themselves or as the member `bytes` of a group, where the library `datasets` puts them. */
function bytesOf(column: SchemaTree): ParquetColumn | null {
  const { element, children } = column;
  if (element.repetition_type === "REPEATED") return null;
  const member = children.length > 0 ? children.find((child) => child.element.name === "bytes") : column;
  if (!member || !isSingle(member) || member.element.type !== "BYTE_ARRAY" || isText(member.element)) return null;
  return { name: element.name, elements: member === column ? [element] : [element, member.element] };
}

function isSingle({ element, children }: SchemaTree): boolean {
  return children.length === 0 && element.type !== undefined && element.repetition_type !== "REPEATED";
}

function isText(element: SchemaElement): boolean {
  return element.converted_type === "UTF8" || element.logical_type?.type === "STRING";
}

function kindOf({ element, children }: SchemaTree): string {
  if (children.length > 0) return `group of ${children.map((child) => printable(child.element.name)).join(" and ")}`;
  return isText(element) ? "text" : (element.type ?? "group").toLowerCase();
}

/** Class names that the library `datasets` stores beside the data, in label order; null if there are none for this column. */
export function classNames(metadata: FileMetaData, column: string): string[] | null {
  const stored = metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value;
  if (stored === undefined) return null;
  try {
    const features = (JSON.parse(stored) as { info?: { features?: Record<string, { names?: unknown }> } }).info
      ?.features;
    const names = features && Object.hasOwn(features, column) ? features[column]?.names : undefined;
    return Array.isArray(names) && names.every((name) => typeof name === "string") ? (names as string[]) : null;
  } catch {
    return null; // it only names what the numbers tell apart already
  }
}
