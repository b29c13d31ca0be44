import { join } from "node:path";
import { constants, deflateRawSync, deflateSync } from "node:zlib";
import { PNG } from "pngjs";
import * as assert from "uvu/assert";
import { decodedApart } from "../support/decoded-apart.js";
import { pixels, pngFile, pngHeader, refusal } from "../support/image-fixtures.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const MIB = 2 ** 20;

/** A zlib stream of so many zero bytes, whole MiB, made without holding them; complete, or without its end. */
function zeros(bytes: number, { complete = false } = {}): Uint8Array {
  const block = deflateRawSync(Buffer.alloc(MIB), { finishFlush: constants.Z_FULL_FLUSH, level: 9 });
  const blocks = Array.from({ length: bytes / MIB }, () => block);
  const end = Buffer.alloc(6); // an empty last block, Adler-32 of zeros: 1 in the low half, their number in the high one
  end.set([0x03, 0x00, ((bytes % 65521) >> 8) & 0xff, (bytes % 65521) & 0xff, 0, 1]);
  return Buffer.concat([Buffer.from([0x78, 0xda]), ...blocks, complete ? end : Buffer.alloc(0)]);
}

const grey4x4: readonly [string, Uint8Array] = ["IDAT", deflateSync(Buffer.alloc(20, 0))];

test("transparency is dropped by default, which keeps the colours below it", async () => {
  const rgba = PNG.sync.write(
    Object.assign(new PNG({ width: 2, height: 1 }), { data: Buffer.from([9, 8, 7, 0, 100, 50, 0, 128]) }),
  );
  assert.equal([...(await pixels(rgba)).data], [9, 8, 7, 100, 50, 0]);
  assert.equal([...(await pixels(rgba, { alpha: "white" })).data], [255, 255, 255, 177, 152, 127]);
  const row = deflateSync(Buffer.from([0, 1, 2, 3, 4, 5, 6]));
  const keyed = pngFile(["IHDR", pngHeader(2, 1, 8, 2)], ["tRNS", Uint8Array.of(0, 4, 0, 5, 0, 6)], ["IDAT", row]);
  assert.equal([...(await pixels(keyed)).data], [1, 2, 3, 4, 5, 6]);
  assert.equal([...(await pixels(keyed, { alpha: "white" })).data], [1, 2, 3, 255, 255, 255]);
});

test("samples of 16 bits keep their high byte, samples of 1 to 4 bits spread over 0 to 255", async () => {
  const deep = pngFile(
    ["IHDR", pngHeader(2, 1, 16, 0)],
    ["IDAT", deflateSync(Buffer.from([0, 0x12, 0xff, 0xfe, 0x01]))],
  );
  assert.equal([...(await pixels(deep, { channels: "stored" })).data], [0x12, 0xfe]);
  const shallow = pngFile(["IHDR", pngHeader(4, 1, 2, 0)], ["IDAT", deflateSync(Buffer.from([0, 0b00011011]))]);
  assert.equal([...(await pixels(shallow, { channels: "stored" })).data], [0, 85, 170, 255]);
});

test("a PNG header that no image has is refused before anything is inflated", async () => {
  assert.match(await refusal(pngFile(["IHDR", pngHeader(0, 4, 8, 0)], grey4x4)), /size of 0x4/);
  assert.match(
    await refusal(pngFile(["IHDR", pngHeader(12_000, 12_000, 8, 0)], grey4x4)),
    /12000x12000 is more than 100000000 pixels/,
  );
  assert.match(
    await refusal(pngFile(["IHDR", pngHeader(4, 4, 8, 0)], grey4x4), { maxPixels: 15 }),
    /more than 15 pixels/,
  );
  assert.match(await refusal(pngFile(["IHDR", pngHeader(4, 4, 16, 3)], grey4x4)), /depth 16, colour type 3/);
  assert.match(await refusal(pngFile(["IHDR", pngHeader(4, 4, 8, 0, 2)], grey4x4)), /header is not valid/);
  assert.match(await refusal(pngFile(grey4x4)), /does not start with its header/);
});

test("what a PNG file claims or inflates to costs no memory: it is refused by its header, or inflated to what its size needs", () => {
  const small: readonly [string, Uint8Array] = ["IHDR", pngHeader(4, 4, 8, 0)];
  const text = Buffer.concat([Buffer.from("k\0\0"), zeros(300 * MIB)]);
  const large = pngFile(
    ["IHDR", pngHeader(12_000, 12_000, 8, 2)],
    ["IDAT", zeros(12_000 * 36_001 - ((12_000 * 36_001) % MIB), { complete: true })],
  );
  assert.ok(large.length > 300_000 && large.length < 600_000, `${large.length} bytes`);
  const flipped = pngFile(small, ["IDAT", zeros(300 * MIB)]);
  flipped[flipped.length - 20] ^= 1;
  const bombs: Readonly<Record<string, readonly [Uint8Array, RegExp | null]>> = {
    "12000x12000.png": [large, /12000x12000 is more than 100000000 pixels/],
    "inflates-to-300-mb.png": [pngFile(small, ["IDAT", zeros(300 * MIB)]), /holds more than its size needs/],
    "inflates-complete.png": [
      pngFile(small, ["IDAT", zeros(300 * MIB, { complete: true })]),
      /holds more than its size needs/,
    ],
    "interlaced.png": [
      pngFile(["IHDR", pngHeader(4, 4, 8, 0, 1)], ["IDAT", zeros(300 * MIB)]),
      /holds more than its size needs/,
    ],
    "width-0.png": [pngFile(["IHDR", pngHeader(0, 2 ** 31 - 1, 8, 0)], ["IDAT", zeros(300 * MIB)]), /size of 0x2147/],
    "checksum.png": [flipped, /wrong checksum in its part IDAT/],
    "ztxt.png": [pngFile(small, ["zTXt", text], grey4x4), null],
    "itxt.png": [pngFile(small, ["iTXt", Buffer.concat([Buffer.from("k\0\x01\0\0\0"), text])], grey4x4), null],
    "iccp.png": [pngFile(small, ["iCCP", text], grey4x4), null],
  };
  const folder = tempFolder(Object.fromEntries(Object.entries(bombs).map(([name, [file]]) => [name, file])));
  const found = decodedApart(Object.keys(bombs).map((name) => ({ path: join(folder, name) })));
  for (const [i, [name, [, reason]]] of Object.entries(bombs).entries()) {
    const { refused, width, grownBytes } = found[i];
    if (reason === null) assert.equal([refused, width], [null, 4], name);
    else assert.match(String(refused), reason, name);
    assert.ok(grownBytes < 50 * MIB, `${name}: memory grew by ${grownBytes} bytes`);
  }
});

test("a PNG file with too little, damaged or unknown data is refused with the reason", async () => {
  const ihdr: readonly [string, Uint8Array] = ["IHDR", pngHeader(4, 4, 8, 0)];
  assert.match(await refusal(pngFile(ihdr, ["IDAT", deflateSync(Buffer.alloc(19))])), /holds 19 of 20 bytes/);
  assert.match(await refusal(pngFile(ihdr, ["IDAT", deflateSync(Buffer.alloc(21))])), /holds more than its size needs/);
  assert.match(
    await refusal(pngFile(ihdr, ["IDAT", deflateSync(Buffer.alloc(20)).subarray(0, -2)])),
    /is damaged \(unexpected end of file\)/,
  );
  assert.match(await refusal(pngFile(ihdr)), /is damaged/);
  assert.match(
    await refusal(pngFile(["IHDR", pngHeader(4, 4, 8, 3)], grey4x4)),
    /is damaged \(Expected palette not found\)/,
  );
  assert.match(await refusal(pngFile(ihdr, ["ABCD", Uint8Array.of(1)], grey4x4)), /critical part "ABCD"/);
  const flipped = pngFile(ihdr, grey4x4);
  flipped[flipped.length - 20] ^= 1;
  assert.match(await refusal(flipped), /wrong checksum in its part IDAT/);
});

test("an orientation in a PNG file is applied", async () => {
  const tiff = Buffer.from("49492a00080000000100120103000100000006000000", "hex");
  const file = pngFile(
    ["IHDR", pngHeader(2, 1, 8, 0)],
    ["eXIf", tiff],
    ["IDAT", deflateSync(Buffer.from([0, 10, 20]))],
  );
  assert.equal(await pixels(file, { channels: 1 }), { width: 1, height: 2, channels: 1, data: Uint8Array.of(10, 20) });
});
