import { FormatError } from "../errors.js";
import { crc32 } from "./crc32.js";

/** Signature of the first record of a zip file. */
export const ZIP_SIGNATURE = 0x04034b50;

const ENTRY_SIGNATURE = 0x02014b50;
const END_SIGNATURE = 0x06054b50;
const END64_SIGNATURE = 0x06064b50;
const LOCATOR64_SIGNATURE = 0x07064b50;
const [LOCAL_BYTES, ENTRY_BYTES, END_BYTES, END64_BYTES, LOCATOR64_BYTES] = [30, 46, 22, 56, 20];
const LONGEST_COMMENT = 0xffff;
const [ENCRYPTED, STORED] = [1, 0];
const ZIP64_FIELD = 1;
const IN_ZIP64 = 0xffffffff;

type Refuse = (reason: string) => never;

interface Directory {
  readonly count: number;
  readonly begin: number;
  readonly end: number;
}

interface Entry {
  readonly name: string;
  readonly crc: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly offset: number;
}

/**
 * The files of a zip archive whose entries are stored, not compressed, as PyTorch writes them. Entries may not overlap, and
 * their checksums are verified; nothing is allocated by a length that the file states.
 *
 * @param bytes  the whole archive, less than 2^53 bytes
 * @param label  what to call it in an error, usually its path
 * @returns views of `bytes` by name, in the order of the directory
 * @throws FormatError for a damaged, compressed, encrypted or divided archive
 * Source: PKWARE, APPNOTE.TXT 6.3.
 */
export function readStoredZip(bytes: Uint8Array, label: string): Map<string, Uint8Array> {
  const refuse: Refuse = (reason) => {
    throw new FormatError(`readStoredZip: ${label} cannot be read: ${reason}. Write or download it again.`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const directory = findDirectory(view, refuse);
  const files = new Map<string, Uint8Array>();
  const spans: [number, number][] = [];
  for (const entry of readEntries(view, directory, refuse)) {
    if (files.has(entry.name)) refuse(`${quoted(entry.name)} stands twice in its directory`);
    const begin = dataOffset(view, entry, refuse);
    if (begin + entry.size > directory.begin) refuse(`${quoted(entry.name)} does not end before the directory`);
    const data = bytes.subarray(begin, begin + entry.size);
    spans.push([entry.offset, begin + entry.size]);
    files.set(entry.name, data);
    if (crc32(data) !== entry.crc) refuse(`the checksum of ${quoted(entry.name)} is wrong`);
  }
  spans.sort(([a], [b]) => a - b);
  for (let i = 1; i < spans.length; i++) if (spans[i][0] < spans[i - 1][1]) refuse("its entries overlap");
  return files;
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

/** Finds the directory from the end of the file, where only a comment may follow it. */
function findDirectory(view: DataView, refuse: Refuse): Directory {
  const last = view.byteLength - END_BYTES;
  let at = last;
  const isEnd = (i: number) => view.getUint32(i, true) === END_SIGNATURE && view.getUint16(i + 20, true) === last - i;
  while (at >= 0 && at >= last - LONGEST_COMMENT && !isEnd(at)) at--;
  if (at < 0 || at < last - LONGEST_COMMENT) return refuse("no end of a zip directory was found; it may be cut off");
  const counted = { count: view.getUint16(at + 10, true), size: view.getUint32(at + 12, true) };
  const inZip64 = counted.count === 0xffff || counted.size === IN_ZIP64 || view.getUint32(at + 16, true) === IN_ZIP64;
  if (inZip64 && at >= LOCATOR64_BYTES && view.getUint32(at - LOCATOR64_BYTES, true) === LOCATOR64_SIGNATURE)
    return findDirectory64(view, at - LOCATOR64_BYTES, refuse);
  return checked({ ...counted, begin: view.getUint32(at + 16, true) }, at, refuse);
}

function findDirectory64(view: DataView, locator: number, refuse: Refuse): Directory {
  const at = long(view, locator + 8);
  if (at + END64_BYTES > locator || view.getUint32(at, true) !== END64_SIGNATURE)
    return refuse("its zip64 directory is not where it should be");
  return checked({ count: long(view, at + 32), size: long(view, at + 40), begin: long(view, at + 48) }, at, refuse);
}

function checked(
  { count, size, begin }: { count: number; size: number; begin: number },
  limit: number,
  refuse: Refuse,
): Directory {
  if (begin + size > limit || count * ENTRY_BYTES > size)
    refuse(`a directory of ${count} entries in ${size} bytes at ${begin} does not fit`);
  return { count, begin, end: begin + size };
}

function* readEntries(view: DataView, { count, begin, end }: Directory, refuse: Refuse): Generator<Entry> {
  let at = begin;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > end || view.getUint32(at, true) !== ENTRY_SIGNATURE)
      refuse(`entry ${i} of its directory is damaged`);
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const next = at + ENTRY_BYTES + nameBytes + extraBytes + commentBytes;
    if (next > end) refuse(`entry ${i} of its directory is damaged`);
    const name = textAt(view, at + ENTRY_BYTES, nameBytes);
    if (view.getUint16(at + 8, true) & ENCRYPTED) refuse(`${quoted(name)} is encrypted`);
    if (view.getUint16(at + 10, true) !== STORED)
      refuse(`${quoted(name)} is compressed, which files of torch.save are not`);
    const extra = { at: at + ENTRY_BYTES + nameBytes, end: at + ENTRY_BYTES + nameBytes + extraBytes };
    const [size, packed, offset] = wideFields(view, at, extra, refuse);
    if (size !== packed) refuse(`${quoted(name)} is stored, but its two sizes differ`);
    yield { name, crc: view.getUint32(at + 16, true), size, offset };
    at = next;
  }
}

/** Size, packed size and offset of an entry; those that do not fit 32 bits stand in a zip64 field, in this order. */
function wideFields(
  view: DataView,
  entry: number,
  extra: { at: number; end: number },
  refuse: Refuse,
): [number, number, number] {
  const fields = [24, 20, 42].map((offset) => view.getUint32(entry + offset, true));
  if (!fields.includes(IN_ZIP64)) return fields as [number, number, number];
  for (let { at } = extra; at + 4 <= extra.end; ) {
    const [id, size] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    const end = Math.min(at + 4 + size, extra.end);
    if (id === ZIP64_FIELD) {
      let next = at + 4;
      return fields.map((field) => {
        if (field !== IN_ZIP64) return field;
        if (next + 8 > end) return refuse("a zip64 field is too short");
        next += 8;
        return long(view, next - 8);
      }) as [number, number, number];
    }
    at = end;
  }
  return fields as [number, number, number];
}

function dataOffset(view: DataView, { name, offset }: Entry, refuse: Refuse): number {
  if (offset + LOCAL_BYTES > view.byteLength || view.getUint32(offset, true) !== ZIP_SIGNATURE)
    return refuse(`${quoted(name)} is not where the directory says`);
  return offset + LOCAL_BYTES + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
}

function textAt(view: DataView, at: number, length: number): string {
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at, length));
}

/** A 64-bit number; above 2^53 it is not exact, and larger than any file. */
function long(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
