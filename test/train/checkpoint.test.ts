import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ConfigError, DataError, FormatError, NumericError, ResourceError } from "../../src/errors.js";
import { readSafetensors, safetensorsParts } from "../../src/formats/safetensors.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { CheckpointFolder } from "../../src/train/checkpoint.js";
import type { SavedTrainerState, TrainerState } from "../../src/train/trainer.js";
import { withFailingCall } from "../support/failing-files.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();

const MODEL = '{"family":"vit"}';
const PARTS = ["student", "teacher", "optimizer"] as const;

/** A small state whose numbers depend on the step. */
function stateAt(iteration: number): TrainerState {
  const weight = fromArray([iteration + 0.1, -0, 1e-40, 3.5e38 / 1.1], [2, 2]);
  return {
    iteration,
    sampler: { seed: 7, pass: 2, position: iteration },
    student: new Map([["backbone.weight", weight]]),
    teacher: new Map([
      ["backbone.weight", fromArray([iteration], [1])],
      ["dino_loss.center_0", fromArray([0.25, iteration], [2])],
    ]),
    optimizer: new Map([
      ["backbone.weight.exp_avg", weight],
      ["backbone.weight.step", fromArray([iteration], [], "i32")],
    ]),
  };
}

function assertHolds(saved: SavedTrainerState, state: TrainerState): void {
  assert.is(saved.iteration, state.iteration);
  assert.equal(saved.sampler, state.sampler);
  for (const part of PARTS) {
    assert.equal([...saved[part].keys()].sort(), [...state[part].keys()].sort());
    for (const [name, x] of state[part]) {
      const { shape, data } = saved[part].get(name)!;
      assert.equal(shape, x.shape);
      assert.equal([...(data as Float32Array)], [...x.toArray()], name);
    }
  }
}

function folderWith(...steps: number[]): CheckpointFolder {
  const checkpoints = new CheckpointFolder(join(tempFolder(), "checkpoints"));
  for (const step of steps) checkpoints.save(stateAt(step), MODEL);
  return checkpoints;
}

/** A copy of a folder of checkpoints; much cheaper than saving them again. */
function copyOf({ path }: CheckpointFolder): CheckpointFolder {
  const copy = join(tempFolder(), "checkpoints");
  cpSync(path, copy, { recursive: true });
  return new CheckpointFolder(copy);
}

const fileOf = (checkpoints: CheckpointFolder, step: number, part: (typeof PARTS)[number]) =>
  join(checkpoints.folderOf(step), `${part}.safetensors`);

function sha256(parts: readonly Uint8Array[]): string {
  return createHash("sha256").update(Buffer.concat(parts)).digest("hex");
}

const never = (message: string) => assert.unreachable(`warned: ${message}`);

test("what is saved is loaded, to the bit, integers and minus zero included", () => {
  const checkpoints = folderWith(0, 12);
  assertHolds(checkpoints.load(12), stateAt(12));
  assertHolds(checkpoints.load(0), stateAt(0));
  assert.ok(Object.is((checkpoints.load(12).student.get("backbone.weight")!.data as Float32Array)[1], -0));
});

test("a checkpoint is three safetensors files in a folder named by its step", () => {
  const checkpoints = folderWith(12);
  assert.equal(readdirSync(checkpoints.path), ["000000012"]);
  assert.equal(readdirSync(checkpoints.folderOf(12)).sort(), PARTS.map((part) => `${part}.safetensors`).sort());
  const { metadata } = readSafetensors(readFileSync(fileOf(checkpoints, 12, "teacher")), "teacher");
  assert.is(metadata.get("poa.model"), MODEL);
  assert.is(metadata.get("poa.iteration"), "12");
});

test("equal states give equal bytes, wherever and whenever they are saved", () => {
  const [one, other] = [folderWith(3), folderWith(1, 3)];
  for (const part of PARTS)
    assert.ok(readFileSync(fileOf(one, 3, part)).equals(readFileSync(fileOf(other, 3, part))), part);
});

test("only whole checkpoints count; anything else in the folder is passed over", () => {
  const checkpoints = folderWith(20, 3);
  for (const name of ["000000030.partial", "000000040.damaged", "notes", "12"]) mkdirSync(join(checkpoints.path, name));
  assert.equal(checkpoints.steps(), [3, 20]);
  assert.equal(new CheckpointFolder(join(checkpoints.path, "none")).steps(), []);
});

test("pruning keeps the newest ones and step 0", () => {
  const checkpoints = folderWith(0, 1, 2, 3, 4);
  checkpoints.prune(2);
  assert.equal(checkpoints.steps(), [0, 3, 4]);
  checkpoints.prune(2);
  assert.equal(checkpoints.steps(), [0, 3, 4]);
  checkpoints.prune(1);
  assert.equal(checkpoints.steps(), [0, 4]);
});

test("clearing leaves nothing of a run and nothing else untouched", () => {
  const checkpoints = folderWith(0, 1);
  for (const name of ["000000030.partial", "000000040.damaged", "notes"]) mkdirSync(join(checkpoints.path, name));
  checkpoints.clear();
  assert.equal(readdirSync(checkpoints.path), ["notes"]);
});

test("the newest is loaded without a warning, and what a killed process left is removed", () => {
  const checkpoints = folderWith(0, 5, 9);
  mkdirSync(join(checkpoints.path, "000000010.partial"));
  writeFileSync(join(checkpoints.path, "000000010.partial", "student.safetensors"), "half");
  assertHolds(checkpoints.loadNewest(never)!, stateAt(9));
  assert.equal(readdirSync(checkpoints.path), ["000000000", "000000005", "000000009"]);
});

test("without any checkpoint there is nothing to load, with or without the folder", () => {
  const checkpoints = new CheckpointFolder(join(tempFolder(), "checkpoints"));
  assert.is(checkpoints.loadNewest(never), null);
  mkdirSync(checkpoints.path);
  assert.is(checkpoints.loadNewest(never), null);
});

test("any flipped bit is noticed, and the message names the file", () => {
  const checkpoints = folderWith(5);
  for (const part of PARTS) {
    const path = fileOf(checkpoints, 5, part);
    const good = readFileSync(path);
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] ^= 1 << (at % 8);
      writeFileSync(path, bad);
      refuses(() => checkpoints.load(5), FormatError, path);
    }
    writeFileSync(path, good);
  }
  assertHolds(checkpoints.load(5), stateAt(5));
});

test("a cut, empty, missing or replaced file is noticed, and the message names it", () => {
  for (const part of PARTS) {
    const checkpoints = folderWith(5);
    const path = fileOf(checkpoints, 5, part);
    const good = readFileSync(path);
    for (const length of [0, 1, 8, 9, 100, good.length - 1]) {
      writeFileSync(path, good.subarray(0, length));
      refuses(() => checkpoints.load(5), FormatError, path);
    }
    writeFileSync(path, Buffer.concat([good, Buffer.of(0)]));
    refuses(() => checkpoints.load(5), FormatError, path);
    rmSync(path);
    refuses(() => checkpoints.load(5), FormatError, path);
    mkdirSync(path);
    refuses(() => checkpoints.load(5), FormatError, path);
  }
});

test("a checkpoint that has been put under another step is refused", () => {
  const checkpoints = folderWith(5);
  renameSync(checkpoints.folderOf(5), checkpoints.folderOf(6));
  refuses(() => checkpoints.load(6), FormatError, "belongs to another step");
});

test("damaged newer checkpoints are reported, set aside and no longer count", () => {
  const checkpoints = folderWith(0, 5, 9, 12);
  writeFileSync(fileOf(checkpoints, 12, "optimizer"), "");
  rmSync(fileOf(checkpoints, 9, "teacher"));
  const warnings: string[] = [];
  assertHolds(checkpoints.loadNewest((message) => warnings.push(message))!, stateAt(5));
  assert.is(warnings.length, 2);
  assert.match(warnings[0], /000000012.*Falling back to the checkpoint before\.$/);
  assert.match(warnings[1], /000000009/);
  assert.equal(checkpoints.steps(), [0, 5]);
  assert.ok(existsSync(`${checkpoints.folderOf(12)}.damaged`));
  checkpoints.save(stateAt(9), MODEL);
  checkpoints.prune(1);
  assert.equal(checkpoints.steps(), [0, 9], "the good one is kept, not the damaged one");
});

test("if all checkpoints are damaged they stay, and the error says how many", () => {
  const checkpoints = folderWith(0, 5);
  for (const step of [0, 5]) writeFileSync(fileOf(checkpoints, step, "student"), "{}");
  refuses(() => checkpoints.loadNewest(() => {}), DataError, "none of the 2 checkpoints");
  assert.equal(checkpoints.steps(), [0, 5]);
});

test("a checkpoint of a newer format is refused with both versions, and none is passed over for it", () => {
  const checkpoints = folderWith(0, 5);
  const path = fileOf(checkpoints, 5, "student");
  const { tensors, metadata } = readSafetensors(readFileSync(path), path);
  assert.is(metadata.get("poa.format"), "1");
  const seal = "poa.sha256";
  const newer = new Map([...metadata, ["poa.format", "2"]]);
  newer.delete(seal);
  newer.set(seal, sha256(safetensorsParts(tensors, newer)));
  writeFileSync(path, Buffer.concat(safetensorsParts(tensors, newer)));
  refuses(() => checkpoints.loadNewest(never), ConfigError, "has format 2; this version reads up to 1");
});

test("a checkpoint that may not be read is an error, not a damaged one", () => {
  const checkpoints = folderWith(0, 5);
  const load = () => void checkpoints.load(5);
  const { thrown } = withFailingCall(1, load, { code: "EACCES" });
  assert.instance(thrown, DataError);
  assert.match((thrown as Error).message, /cannot be read \(EACCES/);
});

test("a number that is not finite is never written", () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const checkpoints = folderWith(3);
    const state = stateAt(4);
    const poisoned = { ...state, student: new Map([["head.bias", fromArray([0, value], [2])]]) };
    refuses(() => checkpoints.save(poisoned, MODEL), NumericError, "student head.bias");
    assert.equal(readdirSync(checkpoints.path), ["000000003"]);
  }
});

test("whichever file-system call fails while saving, the old or the new checkpoint is there, whole", () => {
  const before = folderWith(5);
  let failures = 0;
  let n = 1;
  for (; ; n++) {
    const checkpoints = copyOf(before);
    const { thrown, reached } = withFailingCall(n, () => void checkpoints.save(stateAt(9), MODEL));
    if (!reached) break;
    if (thrown) failures++;
    const newest = checkpoints.loadNewest(never)!;
    if (!thrown) assert.is(newest.iteration, 9, `call ${n}: saved without an error`);
    assertHolds(newest, stateAt(newest.iteration));
    assert.equal(checkpoints.load(5).iteration, 5, `call ${n}: the one before is untouched`);
    assert.not.ok(readdirSync(checkpoints.path).some((name) => name.endsWith(".partial")));
  }
  assert.ok(failures > 12, `${failures} of ${n} calls matter`);
});

test("a disk that fails for good leaves the old checkpoint", () => {
  const before = folderWith(5);
  for (let n = 1; ; n++) {
    const checkpoints = copyOf(before);
    const { reached } = withFailingCall(n, () => void checkpoints.save(stateAt(9), MODEL), { from: true });
    if (!reached) break;
    assertHolds(checkpoints.load(5), stateAt(5));
    assert.ok(
      checkpoints.steps().every((step) => checkpoints.load(step).iteration === step),
      `from call ${n} on`,
    );
  }
});

test("a full disk is a ResourceError, with what was saved untouched", () => {
  const checkpoints = folderWith(5);
  const before = copyOf(checkpoints);
  for (const n of [4, 6, 8]) {
    const { thrown } = withFailingCall(n, () => void checkpoints.save(stateAt(9), MODEL), { code: "ENOSPC" });
    assert.instance(thrown, ResourceError, `call ${n}`);
  }
  assert.equal(readdirSync(checkpoints.path), ["000000005"]);
  for (const part of PARTS) {
    assert.ok(readFileSync(fileOf(checkpoints, 5, part)).equals(readFileSync(fileOf(before, 5, part))));
  }
});
