import { existsSync } from "node:fs";
import { join } from "node:path";
import { assertDecodedAsExpected, expectedImages } from "../support/odd-images.js";
import { leaveOut, test } from "../support/test.js";

/** The whole collection of which test/fixtures/images holds the small files. */
const folder = join(process.env.POA_DATA ?? "", "odd-images");

const WHOLE = "every file of the whole collection is read as Pillow reads it or refused, in less than 100 MB";

if (!existsSync(join(folder, "expected.csv"))) leaveOut(WHOLE, "POA_DATA names no folder with odd-images");
else
  test(WHOLE, () => {
    console.log(`${expectedImages(folder).length} files`);
    assertDecodedAsExpected(folder);
  });
