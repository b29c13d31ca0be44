import { DataError } from "../errors.js";
import { printable } from "./printable.js";

/** Where a member of a tar archive is. */
export interface TarEntry {
  readonly name: string;
  /** "other" is a device, a pipe, a sparse file, or a type that is not known. */
  readonly kind: "file" | "folder" | "link" | "other";
  /** Byte at which its content begins. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Bytes [offset, offset + length) of the archive, of which there are as many. */
export type TarReader = (offset: number, length: number) => Uint8Array;

type Refuse = (reason: string, offset: number) => never;

interface Header {
  readonly name: string;
  readonly type: string;
  readonly sizeBytes: number;
}

/** What an extension says about the member after it. */
interface Override {
  name?: string;
  sizeBytes?: number;
  sparse?: boolean;
}

const BLOCK = 512;
/** Of an extension's text, which is a name or a few records. */
const MAX_EXTENSION_BYTES = 2 ** 20;

const kinds: Readonly<Record<string, TarEntry["kind"]>> = {
  "0": "file",
  "\0": "file",
  "7": "file", // contiguous
  "5": "folder",
  "1": "link",
  "2": "link",
};

/**
 * Walks the headers of a tar archive: ustar and its predecessor, with the extensions of POSIX (pax) and of GNU for long names and
 * large files. Contents are not read. Names are given as they stand there; nobody may take them for paths.
 *
 * @param read  gives bytes of the archive
 * @param sizeBytes  of the whole archive
 * @param label  what to call it in an error, usually its path
 * @throws DataError, with the archive and the offset, for a wrong checksum, a member or the archive that is cut off, a size that is no
 *   number, and an extension that is damaged
 * Source: IEEE Std 1003.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format"; GNU tar manual, "Basic Tar Format".
 */
export function* readTar(read: TarReader, sizeBytes: number, label: string): Generator<TarEntry> {
  const refuse: Refuse = (reason, offset) => {
    throw new DataError(`${label}: at byte ${offset} ${reason}. Copy or download it again.`);
  };
  let override: Override = {};
  for (let at = 0; ; ) {
    if (at + BLOCK > sizeBytes) refuse("the archive is cut off: it ends without its end mark", at);
    const block = read(at, BLOCK);
    if (block.every((byte) => byte === 0)) return;
    const header = readHeader(block, at, refuse);
    const size = override.sizeBytes ?? header.sizeBytes;
    const offset = at + BLOCK;
    const name = override.name ?? header.name;
    if (offset + size > sizeBytes)
      refuse(
        `${JSON.stringify(printable(name))} is cut off: ${size} bytes are due, ${sizeBytes - offset} are there`,
        at,
      );
    at = offset + Math.ceil(size / BLOCK) * BLOCK;
    if (header.type === "x" || header.type === "g" || header.type === "L" || header.type === "K") {
      if (size > MAX_EXTENSION_BYTES) refuse(`an extension of ${size} bytes is too long`, offset);
      if (header.type === "x") override = readPax(read(offset, size), offset, refuse);
      if (header.type === "L") override = { ...override, name: text(read(offset, size)) };
      continue;
    }
    const kind = override.sparse ? "other" : (kinds[header.type] ?? "other");
    override = {};
    yield { name, kind: kind === "file" && name.endsWith("/") ? "folder" : kind, offset, sizeBytes: size };
  }
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function readHeader(block: Uint8Array, at: number, refuse: Refuse): Header {
  const stated = octal(block.subarray(148, 156));
  let sum = 8 * 0x20; // the checksum itself counts as blanks
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i];
  if (stated !== sum) refuse("the checksum of a header is wrong; this is no tar archive, or a damaged one", at);
  const size = block[124] & 0x80 ? base256(block.subarray(124, 136)) : octal(block.subarray(124, 136));
  if (size === null) return refuse("the size of a member is no number", at);
  const posix = text(block.subarray(257, 263)) === "ustar" && block[262] === 0; // GNU has other things in place of the prefix
  const prefix = posix ? text(block.subarray(345, 500)) : "";
  const name = text(block.subarray(0, 100));
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    type: String.fromCharCode(block[156]),
    sizeBytes: size,
  };
}

/** Octal digits between blanks and zero bytes; null if there is anything else. */
function octal(field: Uint8Array): number | null {
  const digits = /^[ \0]*([0-7]*)[ \0]*$/.exec(String.fromCharCode(...field))?.[1];
  return digits === undefined ? null : digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** A binary number with its first bit set, for sizes from 8 GiB on; null if it is negative or beyond 2⁵³. */
function base256(field: Uint8Array): number | null {
  const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, field[0] & 0x7f);
  return Number.isSafeInteger(value) ? value : null;
}

/** Records "LENGTH KEY=VALUE\n", of which the length counts all of it. */
function readPax(bytes: Uint8Array, offset: number, refuse: Refuse): Override {
  const override: Override = {};
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    const length = blank < 0 ? Number.NaN : Number(text(bytes.subarray(at, blank)));
    const record = new TextDecoder().decode(bytes.subarray(blank + 1, at + length - 1));
    const equals = record.indexOf("=");
    if (!(length > 0) || at + length > bytes.length || bytes[at + length - 1] !== 0x0a || equals < 1)
      refuse("the extension of a header is damaged", offset + at);
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key === "path") override.name = value;
    if (key === "size") {
      const size = Number(value);
      if (!/^\d+$/.test(value) || !Number.isSafeInteger(size)) refuse("the size of a member is no number", offset + at);
      override.sizeBytes = size;
    }
    if (key.startsWith("GNU.sparse.")) override.sparse = true;
    at += length;
  }
  return override;
}
