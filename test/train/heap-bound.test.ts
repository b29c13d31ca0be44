import * as assert from "uvu/assert";
import { heapBound } from "../../src/train/heap-bound.js";
import { test } from "../support/test.js";

const MIB = 2 ** 20;
const used = () => process.memoryUsage().heapUsed;

/** Objects of so many bytes that have lived through some collections of what is young. */
function aged(bytes: number): object[] {
  return Array.from({ length: bytes / 100 }, (_, i) => ({ numbers: [i, i + 0.5, i + 1, i + 1.5, i + 2, i + 2.5] }));
}

test("what has grown old and died is collected once it is much, and not while it lives", () => {
  const bound = heapBound();
  bound();
  const before = used();
  let living: object[] | null = aged(60 * MIB);
  bound();
  assert.ok(used() > before + 30 * MIB, "it lives");
  assert.ok(living.length > 0);
  living = null;
  bound(); // too little has come since
  const dead = used();
  let more: object[] | null = aged(30 * MIB);
  more = null;
  bound();
  assert.is(more, null);
  assert.ok(used() < dead - 30 * MIB, `${dead} bytes before, ${used()} after`);
  assert.ok(used() < before + 10 * MIB);
});

test("little garbage is left to the engine", () => {
  const bound = heapBound();
  bound();
  const before = used();
  aged(MIB);
  bound();
  assert.ok(used() >= before);
});
