import { join } from "node:path";
import * as assert from "uvu/assert";
import { imageList } from "../../src/data/image-list.js";
import { DataError } from "../../src/errors.js";
import { imageFixture } from "../support/image-fixtures.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const png = imageFixture("png-suite/basn2c08.png"); // 32x32
const jpeg = imageFixture("jpeg-size/jpg-size-17x17.jpg");

function listed(text: string, images: Readonly<Record<string, Uint8Array>> = {}) {
  const folder = tempFolder({ ...images, "list.txt": text });
  return { folder, source: imageList(join(folder, "list.txt")) };
}

test("paths are relative to the list's folder, in the order of its lines, and may be absolute", async () => {
  const elsewhere = join(tempFolder({ "x.png": png }), "x.png");
  const { folder, source } = listed(`\uFEFFb é/2.jpg\r\n\r\n${elsewhere}\nb é/2.jpg`, { "b é/2.jpg": jpeg });
  assert.equal(
    [0, 1, 2].map((index) => source.path(index)),
    [join(folder, "b é/2.jpg"), elsewhere, join(folder, "b é/2.jpg")],
  );
  assert.equal([(await source.read(0)).width, (await source.read(1)).width], [17, 32]);
  assert.equal([source.labels, source.classes], [null, []]);
});

test("labels stand behind a tab, as numbers or names", () => {
  const { source } = listed("1.png\tdog\n2.png\tcat\n3.png\tdog\n");
  assert.equal(
    [[...source.labels!], source.classes],
    [
      [1, 0, 1],
      ["cat", "dog"],
    ],
  );
  assert.equal([...listed("1.png\t3\n2.png\t1").source.labels!], [3, 1]);
});

test("a list that cannot be understood is an error with the line", () => {
  const text = (content: string, message: string) => refuses(() => listed(content), DataError, message);
  text("1.png\ta\n\n2.png", "list.txt, line 3: has no label");
  text("1.png\ta\tb", "line 1: 2 tabs, expected at most one");
  text("\ta", "line 1: there is no path");
  text(" \n", "names no image");
  refuses(() => imageList("/no/such/list"), DataError, "/no/such/list cannot be read (ENOENT)");
});

test("an image that is not there is broken when it is read", async () => {
  try {
    await listed("none.png").source.read(0);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, DataError);
    assert.match((error as Error).message, /none\.png: cannot be read \(ENOENT\)/);
  }
});

test("a fingerprint follows paths, sizes and labels, not the place", () => {
  const print = (text: string, image = png) => listed(text, { "1.png": image, "2.png": png }).source.fingerprint();
  const first = print("1.png\ta\n2.png\tb");
  assert.is(print("1.png\ta\n2.png\tb"), first);
  for (const other of [print("2.png\ta\n1.png\tb"), print("1.png\tb\n2.png\ta"), print("1.png\ta\n2.png\tb", jpeg)])
    assert.is.not(other, first);
});
