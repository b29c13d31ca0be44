import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as assert from "uvu/assert";
import { idxImages } from "../../src/data/idx.js";
import { DataError } from "../../src/errors.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

/** An IDX file of bytes 0, 1, 2, ... of these dimensions. */
function idxFile(dims: readonly number[], data?: readonly number[], type = 0x08): Buffer {
  const head = Buffer.alloc(4 + 4 * dims.length);
  head.set([0, 0, type, dims.length]);
  for (const [axis, size] of dims.entries()) head.writeUInt32BE(size, 4 + 4 * axis);
  const count = dims.reduce((product, size) => product * size, 1);
  return Buffer.concat([head, Buffer.from(data ?? Array.from({ length: count }, (_, i) => i & 0xff))]);
}

const files = {
  "train-images-idx3-ubyte": idxFile([3, 2, 4]),
  "train-labels-idx1-ubyte": idxFile([3], [1, 0, 2]),
  "t10k-images-idx3-ubyte.gz": gzipSync(idxFile([1, 2, 4])),
  "t10k-labels-idx1-ubyte.gz": gzipSync(idxFile([1], [2])),
};

test("images are one channel of the split's file, plain or compressed, with their labels", async () => {
  const folder = tempFolder(files);
  const train = idxImages(folder, { split: "train" });
  assert.equal([train.length, [...train.labels!], train.classes], [3, [1, 0, 2], ["0", "1", "2"]]);
  assert.equal(await train.read(1), {
    width: 4,
    height: 2,
    channels: 1,
    data: Uint8Array.of(8, 9, 10, 11, 12, 13, 14, 15),
  });
  const test = idxImages(folder, { split: "test" });
  assert.equal([[...test.labels!], (await test.read(0)).data[7]], [[2], 7]);
  const all = idxImages(folder);
  assert.equal([...all.labels!], [1, 0, 2, 2]);
  assert.equal(
    [all.path(2), all.path(3)],
    [join(folder, "train-images-idx3-ubyte#2"), join(folder, "t10k-images-idx3-ubyte.gz#0")],
  );
});

test("a fourth dimension is channels, and names of MNIST's relatives are known", async () => {
  const folder = tempFolder({ "sat-train-images.idx4-ubyte": idxFile([2, 1, 2, 5]) });
  const source = idxImages(folder);
  assert.is(source.labels, null);
  assert.equal(await source.read(1), {
    width: 2,
    height: 1,
    channels: 5,
    data: Uint8Array.from({ length: 10 }, (_, i) => 10 + i),
  });
  assert.is(
    idxImages(tempFolder({ "emnist-test-images-idx3-ubyte": idxFile([2, 1, 1]) }), { split: "test" }).length,
    2,
  );
});

test("files that are damaged, of another type or of another set are errors with their name", () => {
  const broken = (change: Readonly<Record<string, Uint8Array>>, message: string) =>
    refuses(() => idxImages(tempFolder({ ...files, ...change })), DataError, message);
  const images = "train-images-idx3-ubyte";
  broken({ [images]: files[images].subarray(0, 30) }, `${images} has 30 bytes, expected 40 for [3, 2, 4]`);
  broken({ [images]: Buffer.concat([files[images], Buffer.alloc(1)]) }, "has 41 bytes");
  broken({ [images]: files[images].subarray(0, 10) }, "is cut off in its header");
  broken({ [images]: Buffer.from("PNG") }, "does not start as an IDX file");
  broken({ [images]: idxFile([1, 1, 1], [0], 0x0d) }, "elements of type 0x0d");
  broken({ [images]: idxFile([3, 8]) }, "has 2 dimensions, expected 3");
  broken({ [images]: idxFile([3, 0, 4]) }, "images of size 0x4");
  broken({ [images]: idxFile([65_536, 65_536, 1], []) }, "says it holds 4294967296 bytes");
  broken({ "train-labels-idx1-ubyte": idxFile([2], [0, 1]) }, "holds labels [2] for 3 images");
  const whole = files["t10k-images-idx3-ubyte.gz"];
  broken({ "t10k-images-idx3-ubyte.gz": whole.subarray(0, whole.length - 9) }, "is damaged (unexpected end of file)");
  broken(
    { "t10k-images-idx3-ubyte.gz": gzipSync(Buffer.concat([idxFile([1, 2, 4]), Buffer.alloc(10_000)])) },
    "holds more than its header says",
  );
  refuses(() => idxImages(tempFolder()), DataError, "no images of train-images-idx3-ubyte or t10k-images-idx3-ubyte");
  refuses(() => idxImages("/no/such"), DataError, "cannot read the folder /no/such (ENOENT)");
});

test("compression changes no image and no fingerprint, sizes and labels do", async () => {
  const packed = Object.fromEntries(
    Object.entries(files).map(([name, bytes]) =>
      name.endsWith(".gz") ? [name, bytes] : [`${name}.gz`, gzipSync(bytes)],
    ),
  );
  const [plain, small] = [idxImages(tempFolder(files)), idxImages(tempFolder(packed))];
  assert.equal(await small.read(2), await plain.read(2));
  assert.is(small.fingerprint(), plain.fingerprint());
  const other = tempFolder({ ...files, "train-labels-idx1-ubyte": idxFile([3], [1, 0, 1]) });
  assert.is.not(idxImages(other).fingerprint(), plain.fingerprint());
});
