import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ConfigError, DataError, FormatError } from "../../src/errors.js";
import { FinetuneFolder, type FinetuneInfo } from "../../src/train/finetune-folder.js";
import { tinyTuning } from "../support/fine-tuning.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const info: FinetuneInfo = {
  ...{ version: "0.0.0", model: "/models/a", network: "16x2", settings: tinyTuning(), data: "folder:/photos" },
  ...{ images: 16, dataFingerprint: "0123", testFingerprint: "4567", classes: ["a", "b"], host: {} },
};

test("a new folder says what it is, and is held until it is unlocked", () => {
  const path = join(tempFolder(), "new");
  assert.not.ok(FinetuneFolder.isOne(path));
  const folder = FinetuneFolder.create(path, info);
  assert.equal(JSON.parse(readFileSync(join(path, "finetune.json"), "utf8")), info);
  assert.ok(FinetuneFolder.isOne(path) && existsSync(join(path, "lock")));
  folder.unlock();
  assert.not.ok(existsSync(join(path, "lock")));
});

test("a folder with anything in it is refused; with overwrite the files of a fine-tuning are deleted, and only those", () => {
  const path = tempFolder({ "notes.txt": "mine" });
  refuses(() => FinetuneFolder.create(path, info), ConfigError, "continue with --resume");
  const folder = FinetuneFolder.create(path, info, { overwrite: true });
  folder.metrics.append({ iteration: 0 });
  folder.writeResult({ top1: 1 });
  folder.unlock();
  const again = FinetuneFolder.create(path, info, { overwrite: true });
  assert.is(again.readResult(), null);
  assert.equal([existsSync(join(path, "notes.txt")), existsSync(again.metrics.path)], [true, false]);
  again.unlock();
});

test("a run goes on only with what it was begun with; what differs is named", () => {
  const path = tempFolder();
  refuses(() => FinetuneFolder.open(path, info), DataError, "holds no fine-tuning to resume");
  FinetuneFolder.create(path, info).unlock();
  FinetuneFolder.open(path, { ...info, version: "9", model: "/moved", host: { cores: 8 } }).unlock();
  const other = { ...info, settings: { ...info.settings, lr: 1, mixup: 0.5 }, network: "8x1" };
  refuses(() => FinetuneFolder.open(path, other), ConfigError, "begun with other network, lr, mixup");
  refuses(() => FinetuneFolder.open(path, { ...info, dataFingerprint: "1" }), ConfigError, "dataFingerprint");
  writeFileSync(join(path, "finetune.json"), "{");
  refuses(() => FinetuneFolder.open(path, info), FormatError, "cannot be read");
});

test("a result is what was written, and none while the run is not finished", () => {
  const folder = FinetuneFolder.create(tempFolder(), info);
  assert.is(folder.readResult(), null);
  folder.writeResult({ top1: 0.5 });
  assert.equal(folder.readResult(), { top1: 0.5 });
  folder.unlock();
});
