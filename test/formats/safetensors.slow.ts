import * as assert from "uvu/assert";
import { checkMutants } from "../support/safetensors-mutants.js";
import { test } from "../support/test.js";

test(
  "after any of 100,000 random changes a file is read or refused, never otherwise, with no more memory than twice the file",
  () => {
    const { read, refused } = checkMutants(100_000);
    console.log(`${read} read, ${refused} refused`);
    assert.ok(read > 2000 && refused > 20_000, `${read} read, ${refused} refused`);
  },
  { timeoutMs: 300_000 },
);
