import { join } from "node:path";
import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DataError, FormatError } from "../../src/errors.js";
import { readClassifier, writeClassifier } from "../../src/export/classifier-file.js";
import { readEncoder, writeEncoder } from "../../src/export/encoder-file.js";
import { Classifier } from "../../src/models/classifier.js";
import { type Encoder, trainableCopy } from "../../src/models/encoder.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { numbers } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();

const classes = ["cat", "dog", "Käse"];

for (const [name, make, hidden] of [
  ["ViT", () => tinyEncoder(), 0],
  ["Swin", () => tinySwin(), 0],
  ["ResNet with a hidden layer", () => tinyResnet({ norm: "batch" }), 6],
] as [string, () => Encoder, number][]) {
  test(`a classifier on a ${name} comes back with its bits and the names of its classes, and its file is an encoder`, () => {
    const { spec, ...encoder } = make();
    const model = new Classifier(trainableCopy({ spec, ...encoder }), { classes: 3, hidden, rng: new Rng(2) });
    model.requireGrad(false);
    const path = join(tempFolder(), "model.safetensors");
    writeClassifier(path, { model, spec, classes }, { seed: 1 });
    const read = readClassifier(path);
    assert.equal([read.classes, read.spec], [classes, spec]);
    const images = fromArray(numbers([2, 3, spec.imageSize, spec.imageSize], 1), [
      2,
      3,
      spec.imageSize,
      spec.imageSize,
    ]);
    assert.equal(
      step(() => read.model.forward(images).toArray()),
      step(() => model.forward(images).toArray()),
    );
    const feature = (backbone: Encoder["backbone"]) => step(() => backbone.classToken(images).toArray());
    assert.equal(feature(readEncoder(path).backbone), feature(model.backbone));
  });
}

test("files that hold no classifier are told apart", () => {
  const folder = tempFolder({ "text.safetensors": "none" });
  refuses(() => readClassifier(join(folder, "missing")), DataError, "cannot be read");
  refuses(() => readClassifier(join(folder, "text.safetensors")), FormatError, "text.safetensors");
  const encoder = join(folder, "encoder.safetensors");
  writeEncoder(encoder, tinyEncoder());
  refuses(() => readClassifier(encoder), FormatError, "names no classes");
  const model = new Classifier(trainableCopy(tinyEncoder()), { classes: 3, rng: new Rng(2) });
  const path = join(folder, "two.safetensors");
  writeClassifier(path, { model, spec: tinyEncoder().spec, classes: ["a", "b"] });
  refuses(() => readClassifier(path), FormatError, "not those of the classifier");
});
