import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DataError, FormatError } from "../../src/errors.js";
import { buildSegmenter, type Segmenter, segmentationLogits } from "../../src/eval/segmentation/segmenter.js";
import { readEncoder } from "../../src/export/encoder-file.js";
import { readSegmenter, writeSegmenter } from "../../src/export/segmenter-file.js";
import { init } from "../../src/runtime/context.js";
import { seededImages } from "../models/backbone-suite.js";
import { tinyResnet, tinyVit } from "../support/disc-task.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const settings = { size: 48, crop: 32, meaning: { kind: "foreground" } } as const;
const spec = { kind: "upernet", classes: 2, channels: 4 } as const;
const folder = tempFolder({ "text.safetensors": "no tensors" });
const path = join(folder, "head.safetensors");

const logits = (segmenter: Segmenter) => step(() => segmentationLogits(segmenter, seededImages(1, 3, 32)).toArray());

test("a head that is read again gives the same logits, with how it is to be used", async () => {
  await init();
  const encoder = tinyVit();
  const segmenter = buildSegmenter(encoder, spec, 5);
  writeSegmenter(path, segmenter, { ...settings, backbone: false });
  const read = readSegmenter(path, encoder);
  assert.equal(read.settings, settings);
  assert.equal(read.segmenter.spec, spec);
  assert.is(read.segmenter.encoder, encoder);
  segmenter.head.requireGrad(false);
  assert.equal(logits(read.segmenter), logits(segmenter));
});

test("a tuned backbone goes along, and the file is one of an encoder too", async () => {
  await init();
  const tuned = tinyResnet();
  const [weight] = tuned.backbone.parameters().slice(1);
  weight.write(weight.toArray().map((value) => value + 0.1));
  const segmenter = buildSegmenter(tuned, spec, 5);
  writeSegmenter(path, segmenter, { ...settings, backbone: true });
  segmenter.head.requireGrad(false);
  assert.equal(logits(readSegmenter(path, tinyResnet()).segmenter), logits(segmenter));
  assert.equal(readEncoder(path).backbone.parameters()[1].toArray(), weight.toArray());
});

test("files that hold no head, another's, or none that is sane are refused", async () => {
  await init();
  writeSegmenter(path, buildSegmenter(tinyVit(), spec), { ...settings, backbone: false });
  refuses(() => readSegmenter(path, tinyResnet()), FormatError, "its head does not fit this encoder");
  refuses(() => readSegmenter(join(folder, "none"), tinyVit()), DataError, "none cannot be read");
  refuses(() => readSegmenter(join(folder, "text.safetensors"), tinyVit()), FormatError, "text.safetensors");
  const damaged = readFileSync(path);
  damaged[damaged.length - 1] ^= 1;
  writeFileSync(join(folder, "cut.safetensors"), damaged);
  refuses(() => readSegmenter(join(folder, "cut.safetensors"), tinyVit()), FormatError, "do not match their checksum");
  const text = readFileSync(path, "latin1").replace("poa.sha256", "poa.sha25x"); // as of a file without one
  const changed = (from: string, to: string) => {
    assert.ok(text.includes(from) && from.length === to.length);
    const other = join(folder, "other.safetensors");
    writeFileSync(other, text.replace(from, to), "latin1");
    return () => readSegmenter(other, tinyVit());
  };
  refuses(changed("poa.segmenter", "poa.segmented"), FormatError, "holds no segmentation head");
  refuses(changed('\\"classes\\":2', '\\"classes\\":1'), FormatError, "poa.segmenter cannot be used");
  refuses(changed("upernet", "uppernt"), FormatError, "poa.segmenter cannot be used");
});
