import { parquetWriteBuffer } from "hyparquet-writer";
import { cifarFile } from "./cifar-files.js";
import { imageFixture } from "./image-fixtures.js";
import { tarFile } from "./tar-files.js";
import { tempFolder } from "./temp-folder.js";

const png = imageFixture("png-suite/basn2c08.png");
const jpeg = imageFixture("jpeg-size/jpg-size-17x17.jpg");

function parquet(): Uint8Array {
  const columnData = [{ name: "image", data: [png, jpeg], type: "BYTE_ARRAY" as const }];
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

/** An IDX file of bytes. */
const idx = (dims: readonly number[], data: readonly number[]) =>
  Uint8Array.from([0, 0, 8, dims.length, ...dims.flatMap((n) => [0, 0, 0, n]), ...data]);

/** A folder with a little of every kind of source. */
export const folder = tempFolder({
  "photos/train/a/1.png": png,
  "photos/train/b/2.jpg": jpeg,
  "photos/test/a/3.png": png,
  "photos/list.txt": "train/b/2.jpg\ntrain/a/1.png\n",
  "tar/0.tar": tarFile([
    { name: "x.png", content: png },
    { name: "x.cls", content: "1" },
    { name: "y.jpg", content: jpeg },
    { name: "y.cls", content: "0" },
  ]),
  "rows.parquet": parquet(),
  "cifar/test_batch.bin": cifarFile([[3], [1], [4]]),
  "cifar100/test.bin": cifarFile([
    [1, 60],
    [0, 7],
  ]),
  "idx/train-images-idx3-ubyte": idx([2, 1, 2], [1, 2, 3, 4]),
  "idx/train-labels-idx1-ubyte": idx([2], [1, 0]),
});

/** What is in it. */
export const specs = [
  "photos",
  "photos#test",
  "list:photos/list.txt",
  "glob:photos/**/*.png",
  "wds:tar/0.tar",
  "parquet:rows.parquet",
  "cifar10:cifar#test@1..3",
  "cifar100:cifar100#test",
  "idx:idx#train",
];
