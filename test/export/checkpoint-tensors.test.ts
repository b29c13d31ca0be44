import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { DataError, FormatError } from "../../src/errors.js";
import { readCheckpoint } from "../../src/export/checkpoint-tensors.js";
import { writeSafetensors } from "../../src/formats/safetensors.js";
import { refuses } from "../support/refuses.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const pth = (name: string) => fileURLToPath(new URL(`../../../test/fixtures/pth/${name}`, import.meta.url));

test("the first bytes decide, not the ending", () => {
  assert.equal([...readCheckpoint(pth("state_dict.pth")).keys()], ["weight", "bias"]);
  const path = join(tempFolder(), "really.pth");
  writeFileSync(path, writeSafetensors(new Map([["a", { dtype: "F32", shape: [1], data: Float32Array.of(2) }]])));
  assert.equal([...readCheckpoint(path).get("a")!.data], [2]);
});

test("what is not there, or neither, is refused under its label", () => {
  refuses(() => readCheckpoint("/nowhere/x.pth"), DataError, "/nowhere/x.pth cannot be read");
  refuses(() => readCheckpoint("/nowhere/x.pth", "--init x"), DataError, "--init x cannot be read");
  refuses(
    () => readCheckpoint(pth("make.py"), "the script"),
    FormatError,
    "the script is not a valid safetensors file",
  );
  refuses(() => readCheckpoint(pth("legacy.pth")), FormatError, "the format before PyTorch 1.6");
});
