export interface TarMember {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** Type flag; default "0", an ordinary file. */
  readonly type?: string;
  /** Size that the header states; default that of the content. */
  readonly size?: number;
}

/** A ustar archive, by hand, so that its headers can lie. */
export function tarFile(members: readonly TarMember[], { endMark = true } = {}): Buffer {
  const blocks = members.flatMap(({ name, content = "", type = "0", size }) => {
    const body = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write("0000644\0", 100);
    header.write(`${(size ?? body.length).toString(8).padStart(11, "0")}\0`, 124);
    header.write(type, 156, "latin1");
    header.write("ustar\x0000", 257, "latin1");
    seal(header);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(endMark ? 1024 : 0)]);
}

/** Writes the checksum of a header. */
export function seal(header: Buffer): void {
  header.fill(0x20, 148, 156);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}
