import { join } from "node:path";
import * as assert from "uvu/assert";
import { pascalVoc, vocSplits } from "../../src/data/pascal-voc.js";
import { DataError } from "../../src/errors.js";
import { vocXml } from "../support/annotated-images.js";
import { noiseImage } from "../support/image-bytes.js";
import { pngOf } from "../support/program.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const voc = (files: Record<string, string | Uint8Array>) =>
  tempFolder({ "ImageSets/Main/train.txt": "a\r\nb  1\n\n", "Annotations/b.xml": vocXml([]), ...files });

const broken = (annotation: string) => voc({ "Annotations/a.xml": annotation });

test("boxes begin at 0 and end behind the last pixel; classes come in the order of their names", async () => {
  const image = noiseImage({ width: 5, height: 4 });
  const folder = voc({
    "JPEGImages/a.png": pngOf(image),
    "Annotations/a.xml": vocXml([
      { name: "dog", edges: [1, 1, 5, 4] },
      { name: "cat", edges: [2, 3, 2, 3], difficult: true },
    ]),
  });
  const source = pascalVoc(folder, { split: "train" });
  assert.equal([source.length, source.classes, source.labels], [2, ["cat", "dog"], null]);
  assert.equal(source.objects(0), [
    { box: [0, 0, 5, 4], area: 20, crowd: false, difficult: false, label: 1 },
    { box: [1, 2, 2, 3], area: 1, crowd: false, difficult: true, label: 0 },
  ]);
  assert.equal(source.objects(1), []);
  assert.equal((await source.read(0)).data, image.data);
  assert.equal([source.imageId(1), source.categoryId(1)], ["b", 2]);
  assert.is(source.path(1), join(folder, "JPEGImages", "b.jpg"));
});

test("the fingerprint changes with a box", () => {
  const of = (xmax: number) =>
    pascalVoc(broken(vocXml([{ name: "x", edges: [1, 1, xmax, 4] }])), { split: "train" }).fingerprint();
  assert.is(of(3), of(3));
  assert.is.not(of(3), of(4));
});

test("splits are those that are listed; another is refused with their names", () => {
  const folder = broken(vocXml([]));
  assert.equal(vocSplits(folder), ["train"]);
  refuses(() => pascalVoc(folder, { split: "test" }), DataError, "test.txt does not exist. It has #train.");
  refuses(() => pascalVoc(join(folder, "no"), { split: "test" }), DataError, "is not a folder");
  refuses(() => pascalVoc(tempFolder({ a: "" }), { split: "test" }), DataError, "It has no split.");
});

test("a missing annotation, and each way in which one can be broken, is told with its file", () => {
  const refusal = (annotation: string, text: string) => {
    const folder = broken(annotation);
    refuses(() => pascalVoc(folder, { split: "train" }), DataError, `${join(folder, "Annotations", "a.xml")}: ${text}`);
  };
  const folder = voc({});
  refuses(() => pascalVoc(folder, { split: "train" }), DataError, "a.xml: cannot be read (ENOENT)");
  refusal("", "is not well-formed XML: ");
  refusal("<annotation><object></annotation>", "is not well-formed XML: ");
  refusal("<boxes/>", "the outermost element is <boxes>, expected <annotation>");
  refusal("<annotation><object><bndbox/></object></annotation>", "object 1 has no <name>");
  refusal("<annotation><object><name>x</name></object></annotation>", "object 1 (x) has no <bndbox>");
  refusal(vocXml([{ name: "x", edges: [1, 2, Number.NaN, 4] }]), 'object 1 (x): <xmax> is "NaN", expected a number');
  refusal(
    vocXml([
      { name: "x", edges: [1, 2, 1, 2] },
      { name: "y", edges: [1, 2, 3, 1] },
    ]),
    "object 2 (y): the box ends before it begins (x 1 to 3, y 2 to 1)",
  );
});

test("no entity is expanded", () => {
  const bomb =
    '<!DOCTYPE annotation [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' +
    "<annotation><object><name>&b;</name><bndbox/></object></annotation>";
  const file =
    '<!DOCTYPE annotation [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation><object><name>&x;</name></object></annotation>';
  for (const annotation of [bomb, file]) {
    refuses(() => pascalVoc(broken(annotation), { split: "train" }), DataError, "a.xml: is not well-formed XML: ");
  }
});
