import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import * as assert from "uvu/assert";
import type { ParquetColumn } from "../../src/data/parquet-columns.js";
import { ParquetFile } from "../../src/data/parquet-file.js";
import { DataError } from "../../src/errors.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

/** Five numbers in row groups of two. */
async function numbers(): Promise<{ file: ParquetFile; column: ParquetColumn }> {
  const columnData = [{ name: "n", data: [1, null, 3, 4, 5], type: "INT32" as const, nullable: true }];
  const bytes = new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 2 }));
  const file = await ParquetFile.open(join(tempFolder({ "a.parquet": bytes }), "a.parquet"));
  return { file, column: { name: "n", elements: [file.columns[0].element] } };
}

async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, DataError);
    return (error as Error).message;
  }
  throw new Error("was read");
}

test("a column is read by row group, with null where there is no value", async () => {
  const { file, column } = await numbers();
  assert.equal(file.groups, [
    { firstRow: 0, rows: 2 },
    { firstRow: 2, rows: 2 },
    { firstRow: 4, rows: 1 },
  ]);
  assert.is(file.rows, 5);
  assert.equal(await file.column(0, column), [1, null]);
  assert.equal(await file.column(2, column), [5]);
});

test("a row group that is too large to be in memory is refused before it is read, with the way out", async () => {
  const { file, column } = await numbers();
  file.metadata.row_groups[1].columns[0].meta_data!.total_uncompressed_size = 2n ** 31n;
  const message = await failure(file.column(1, column));
  assert.match(message, /a\.parquet, row group 1, column n: 2147483648 bytes must be in memory at once/);
  assert.match(message, /Write it with fewer rows in a group/);
  assert.equal(await file.column(2, column), [5]);
});

test("a footer that lies about places, sizes and rows is an error with the group and the column", async () => {
  const lies: readonly (readonly [(file: ParquetFile) => void, RegExp])[] = [
    [
      ({ metadata }) => (metadata.row_groups[0].columns[0].meta_data!.data_page_offset = 2n ** 40n),
      /outside of the file/,
    ],
    [
      ({ metadata }) => (metadata.row_groups[0].columns[0].meta_data!.total_compressed_size = -1n),
      /outside of the file/,
    ],
    [({ metadata }) => metadata.row_groups[0].columns.pop(), /outside of the file/],
    [
      ({ metadata }) => (metadata.row_groups[0].columns[0].meta_data!.total_uncompressed_size = 1n),
      /a page claims \d+ bytes/,
    ],
    [({ metadata }) => (metadata.row_groups[0].columns[0].meta_data!.codec = "ZSTD"), /it is damaged/],
  ];
  for (const [lie, message] of lies) {
    const { file, column } = await numbers();
    lie(file);
    const found = await failure(file.column(0, column));
    assert.match(found, message);
    assert.match(found, /row group 0, column n: /);
  }
});
