import { FormatError } from "../errors.js";
import { crc32 } from "./crc32.js";

/** Version of the bundle that is written, and the only one that is read. */
export const BUNDLE_VERSION = 1;

const MAGIC = new TextEncoder().encode("poa.edge");
/** Magic, version, checksum: a multiple of 8, so that what is aligned in the content is aligned in the bundle. */
const HEADER_BYTES = 16;

/** Whether a file starts as a bundle does. */
export function isBundle(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, i) => bytes[i] === byte);
}

/** A file behind eight bytes "poa.edge", the bundle's version and the CRC-32 of the file, both u32 with the low byte first. */
export function packBundle(content: Uint8Array): Uint8Array {
  const bundle = new Uint8Array(HEADER_BYTES + content.length);
  bundle.set(MAGIC);
  const view = new DataView(bundle.buffer);
  view.setUint32(8, BUNDLE_VERSION, true);
  view.setUint32(12, crc32(content), true);
  bundle.set(content, HEADER_BYTES);
  return bundle;
}

/**
 * The file in a bundle, a view.
 *
 * @param label  what to call the bundle in an error, usually its path
 * @throws FormatError if it is none, of another version, or damaged
 */
export function unpackBundle(bytes: Uint8Array, label: string): Uint8Array {
  if (!isBundle(bytes))
    throw new FormatError(`${label} is not an edge bundle. Make one with \`poa export MODEL --format edge\`.`);
  if (bytes.length < HEADER_BYTES) throw new FormatError(`${label} ends within its header. Copy it again.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const version = view.getUint32(8, true);
  if (version !== BUNDLE_VERSION) {
    throw new FormatError(
      `${label} is an edge bundle of version ${version}, this poa reads version ${BUNDLE_VERSION}. Export it again, or update poa.`,
    );
  }
  const content = bytes.subarray(HEADER_BYTES);
  if (crc32(content) !== view.getUint32(12, true))
    throw new FormatError(`${label} is damaged: its checksum is wrong. Copy it again.`);
  return content;
}
