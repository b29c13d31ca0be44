import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { FormatError } from "../errors.js";

const BLOCK_BYTES = 1 << 20;
/** No line of a run is longer; a file without line ends is not read into memory as a whole. */
const LONGEST_LINE = 1 << 24;
const LINE_END = 0x0a;

/** Whoever reads lines: `restart` tells that the file was replaced, so that what was read of it counts no more. */
export interface LineReader {
  /** Takes the next line. */
  line(text: string): void;
  /** Begins anew. */
  restart(): void;
}

/** Complete lines of a text file that others may be adding to, each passed on once. A line that is not complete yet waits. */
export class LineTail {
  private readonly path: string;
  private file = { inode: 0, offset: 0 };
  private rest = new Uint8Array();

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Passes on what has been completed since the last call, and everything from the start if the file has become another one.
   *
   * @returns whether there was anything
   * @throws FormatError if a line has no end
   */
  read(reader: LineReader): boolean {
    let file: number;
    try {
      file = openSync(this.path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return this.start(0, reader); // not there yet, or not there any more
    }
    try {
      const { ino, size } = fstatSync(file);
      const restarted = ino !== this.file.inode || size < this.file.offset ? this.start(ino, reader) : false;
      return this.readFrom(file, reader) || restarted;
    } finally {
      closeSync(file);
    }
  }

  /** @returns whether something had been read before, which now counts no more */
  private start(inode: number, reader: LineReader): boolean {
    const before = this.file.offset > 0;
    this.file = { inode, offset: 0 };
    this.rest = new Uint8Array();
    if (before) reader.restart();
    return before;
  }

  private readFrom(file: number, reader: LineReader): boolean {
    const block = new Uint8Array(BLOCK_BYTES);
    let any = false;
    for (;;) {
      const length = readSync(file, block, 0, BLOCK_BYTES, this.file.offset);
      if (length === 0) return any;
      this.file.offset += length;
      any = this.split(joined(this.rest, block.subarray(0, length)), reader) || any;
    }
  }

  private split(bytes: Uint8Array, reader: LineReader): boolean {
    const decoder = new TextDecoder();
    let begin = 0;
    for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, begin)) {
      reader.line(decoder.decode(bytes.subarray(begin, end)));
      begin = end + 1;
    }
    this.rest = bytes.slice(begin);
    if (this.rest.length > LONGEST_LINE) {
      throw new FormatError(`${this.path}: a line is longer than ${LONGEST_LINE} bytes. The file has been damaged.`);
    }
    return begin > 0;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
