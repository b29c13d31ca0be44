import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { decodedApart } from "./decoded-apart.js";

/** Read by Pillow, refused here: wrong checksums, damaged compressed data, stray bytes between segments, arithmetic coding. */
const stricter = [
  ...["png-suite/xcsn0g01.png", "derived/bitflip-crc.png"],
  ...["jpeg-odd/progressive-missing-dc.jpg", "jpeg-bad/dc-predictor-overflow.jpg"],
  ...["jpeg-odd/hopper_bad_exif.jpg", "jpeg-odd/jpeg_ff00_header.jpg"],
  "jpeg-odd/testimgari.jpg",
];

const MOST_GROWTH = 100 * 2 ** 20;
const LONGEST_MS = 10_000;

/** A row of `expected.csv`: what Pillow makes of a file. */
export interface ExpectedImage {
  readonly path: string;
  /** Whether this library is to read it. */
  readonly decodes: boolean;
  readonly mode: string;
  /** Of the upright image. */
  readonly size: readonly [width: number, height: number];
  readonly means: readonly number[];
}

/** The rows of a folder's `expected.csv`. */
export function expectedImages(folder: string): ExpectedImage[] {
  const [head, ...rows] = readFileSync(join(folder, "expected.csv"), "utf8").trim().split("\n");
  const columns = head.split(",");
  return rows.map((row) => {
    const cells = row.split(",");
    const cell = (name: string) => cells[columns.indexOf(name)];
    const path = cell("path");
    return {
      path,
      decodes: cell("decodes") === "yes" && !stricter.includes(path),
      mode: cell("mode"),
      size: [Number(cell("upright_w")), Number(cell("upright_h"))],
      means: ["mean_r", "mean_g", "mean_b"].map((name) => Number(cell(name))),
    };
  });
}

/** Asserts of every file of a folder with `expected.csv` that it is read as stated there or refused, in bounded memory and time. */
export function assertDecodedAsExpected(folder: string): void {
  const expected = expectedImages(folder);
  // The means were taken over white, of 16-bit images with the transparency dropped.
  const requests = expected.map(({ path, mode }) => {
    return { path: join(folder, path), alpha: mode === "I" ? ("drop" as const) : ("white" as const) };
  });
  for (const [i, found] of decodedApart(requests).entries()) {
    const { path, decodes, size, means } = expected[i];
    assert.ok(found.grownBytes < MOST_GROWTH, `${path}: memory grew by ${found.grownBytes} bytes`);
    assert.ok(found.elapsedMs < LONGEST_MS, `${path}: took ${found.elapsedMs} ms`);
    if (!decodes) {
      assert.match(String(found.refused), /^.+: .+\.$/s, path);
      assert.ok(found.refused!.startsWith(`${join(folder, path)}: `), `${path}: ${found.refused}`);
      continue;
    }
    assert.is(found.refused, null, path);
    assert.equal([found.width, found.height], size, path);
    const near = found.means.every((value, c) => Math.abs(value - means[c]) < 0.6);
    assert.ok(found.means.length === 3 && near, `${path}: ${found.means} instead of ${means}`);
  }
}
