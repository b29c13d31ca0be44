import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import * as assert from "uvu/assert";
import type { RawImage } from "../../src/data/dataset.js";
import { type DecodeOptions, decode } from "../../src/data/decode.js";
import { DataError } from "../../src/errors.js";

const folder = new URL("../../../test/fixtures/images/", import.meta.url);

/** A file of test/fixtures/images, in a buffer of its own. */
export function imageFixture(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, folder)));
}

export async function pixels(bytes: Uint8Array, options: DecodeOptions = {}): Promise<RawImage> {
  return (await decode(bytes, options)).image;
}

/** Message of the DataError with which decoding must end. */
export async function refusal(bytes: Uint8Array, options: DecodeOptions = {}): Promise<string> {
  try {
    await decode(bytes, { path: "x", ...options });
  } catch (error) {
    assert.instance(error, DataError);
    assert.match((error as Error).message, /^x: .*\.$/s);
    return (error as Error).message;
  }
  throw new Error("was decoded");
}

export function means({ data, channels }: RawImage): number[] {
  return Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    for (let i = c; i < data.length; i += channels) sum += data[i];
    return sum / (data.length / channels);
  });
}

/** A PNG file of these parts, closed by IEND. */
export function pngFile(...parts: (readonly [string, Uint8Array])[]): Uint8Array {
  const all = [...parts, ["IEND", new Uint8Array()] as const];
  const encoded = all.map(([type, body]) => {
    const chunk = Buffer.alloc(12 + body.length);
    chunk.writeUInt32BE(body.length);
    chunk.write(type, 4, "latin1");
    chunk.set(body, 8);
    chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + body.length)), 8 + body.length);
    return chunk;
  });
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), ...encoded]);
}

/** Body of an IHDR chunk. */
export function pngHeader(width: number, height: number, depth: number, colorType: number, interlace = 0): Uint8Array {
  const body = Buffer.alloc(13);
  body.writeUInt32BE(width);
  body.writeUInt32BE(height, 4);
  body.set([depth, colorType, 0, 0, interlace], 8);
  return body;
}
