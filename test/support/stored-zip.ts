/** An entry of a zip file, with what may be wrong about it. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
  readonly crc?: number;
  readonly method?: number;
  readonly flags?: number;
  readonly packed?: number;
  /** Where its local header is said to be. */
  readonly offset?: number;
  /** Sizes and offset in a zip64 field. */
  readonly wide?: boolean;
}

/** A zip file with stored entries, zip64 records where asked for; the checksum is computed bit by bit. */
export function storedZip(entries: readonly ZipEntry[], { wide = false, comment = "" } = {}): Buffer {
  const local: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    local.push(header, name, Buffer.from(entry.data));
    directory.push(directoryEntry(entry, name, entry.offset ?? at));
    at += 30 + name.length + entry.data.length;
  }
  const listed = Buffer.concat(directory);
  return Buffer.concat([...local, listed, ...endRecords(entries.length, listed.length, at, wide), commentOf(comment)]);
}

function directoryEntry(entry: ZipEntry, name: Buffer, offset: number): Buffer {
  const { data, wide = false, crc = bitwiseCrc(data), method = 0, flags = 0x808, packed = data.length } = entry;
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(flags, 8);
  header.writeUInt16LE(method, 10);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(wide ? 0xffffffff : packed, 20);
  header.writeUInt32LE(wide ? 0xffffffff : data.length, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(wide ? 34 : 0, 30);
  header.writeUInt32LE(wide ? 0xffffffff : offset, 42);
  const extra = Buffer.alloc(wide ? 34 : 0);
  if (wide) {
    extra.writeUInt16LE(0x4650, 0); // a field of padding, as PyTorch has, before that of zip64
    extra.writeUInt16LE(2, 2);
    extra.writeUInt16LE(1, 6);
    extra.writeUInt16LE(24, 8);
    [data.length, packed, offset].forEach((n, i) => {
      extra.writeBigUInt64LE(BigInt(n), 10 + 8 * i);
    });
  }
  return Buffer.concat([header, name, extra]);
}

function endRecords(count: number, size: number, begin: number, wide: boolean): Buffer[] {
  const end = Buffer.alloc(20);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(wide ? 0xffff : count, 10);
  end.writeUInt32LE(wide ? 0xffffffff : size, 12);
  end.writeUInt32LE(wide ? 0xffffffff : begin, 16);
  if (!wide) return [end];
  const [end64, locator] = [Buffer.alloc(56), Buffer.alloc(20)];
  end64.writeUInt32LE(0x06064b50, 0);
  [count, size, begin].forEach((n, i) => {
    end64.writeBigUInt64LE(BigInt(n), 32 + 8 * i);
  });
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(begin + size), 8);
  return [end64, locator, end];
}

function commentOf(comment: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(comment.length);
  return Buffer.concat([length, Buffer.from(comment)]);
}

function bitwiseCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
