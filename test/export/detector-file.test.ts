import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { FormatError } from "../../src/errors.js";
import { Detector } from "../../src/eval/detection/detector.js";
import { readDetector, writeDetector } from "../../src/export/detector-file.js";
import { readEncoder } from "../../src/export/encoder-file.js";
import { init } from "../../src/runtime/context.js";
import { Rng } from "../../src/tensor/random.js";
import { seededImages } from "../models/backbone-suite.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();
const folder = tempFolder();
const path = join(folder, "detector.safetensors");
const classes = ["bar", "square"];
const options = { classes: 2, shortSide: 64, width: 8, towerDepth: 1, rng: new Rng(2) } as const;

/** What a detector predicts on some images, as numbers. */
const predicted = (detector: Detector) =>
  step(() => {
    const { channels } = detector.spec;
    const { predictions } = detector.forward(seededImages(1, channels, 2 * detector.multiple));
    return Object.values(predictions).map((x) => [...x.toArray()]);
  });

test("a detector that is read again predicts the same, of every family, with its classes and its size", () => {
  for (const encoder of [tinyEncoder(), tinySwin(), tinyResnet()]) {
    const detector = new Detector(encoder, options);
    writeDetector(path, { detector, classes });
    const read = readDetector(path, encoder);
    assert.equal([read.classes, read.detector.shortSide], [classes, 64]);
    assert.is(read.detector.backbone, encoder.backbone);
    assert.equal(predicted(read.detector), predicted(detector));
    assert.ok(read.detector.parameters().every(({ tracked }) => !tracked));
  }
});

test("a tuned backbone goes along, and the file is one of an encoder too", () => {
  const detector = new Detector(tinyEncoder(), { ...options, tuneBackbone: true });
  const [weight] = detector.backbone.parameters().slice(-1);
  weight.write(weight.toArray().map((value) => value + 0.1));
  writeDetector(path, { detector, classes });
  assert.equal(predicted(readDetector(path, tinyEncoder()).detector), predicted(detector));
  assert.equal(readEncoder(path).backbone.parameters().at(-1)!.toArray(), weight.toArray());
});

test("files that are damaged, hold no detector, another encoder's, or none that is sane are refused", () => {
  writeDetector(path, { detector: new Detector(tinyEncoder(), options), classes });
  refuses(() => readDetector(path, tinySwin()), FormatError, "its head does not fit this encoder");
  const other = join(folder, "other.safetensors");
  const reads = (content: Uint8Array | string) => () => {
    writeFileSync(other, content, "latin1");
    return readDetector(other, tinyEncoder());
  };
  const damaged = readFileSync(path);
  damaged[damaged.length - 1] ^= 1;
  refuses(reads(damaged), FormatError, "do not match their checksum");
  const text = readFileSync(path, "latin1").replace("poa.sha256", "poa.sha25x"); // as of a file without one
  assert.is(reads(text)().detector.shortSide, 64);
  refuses(reads(text.replace("poa.detector", "poa.detected")), FormatError, "holds no detector. Name a file that `poa");
  refuses(reads(text.replace('\\"width\\":8', '\\"width\\":0')), FormatError, "poa.detector cannot be used");
});
