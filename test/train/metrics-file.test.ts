import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { MetricsFile } from "../../src/train/metrics-file.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

test("lines of iterations that come again are dropped, and one that was cut off", () => {
  const file = new MetricsFile(join(tempFolder(), "metrics.jsonl"));
  file.truncate(3);
  for (const iteration of [0, 1, 1, 2]) file.append({ iteration });
  appendFileSync(file.path, '{"iteration":0');
  file.truncate(2);
  assert.is(readFileSync(file.path, "utf8"), '{"iteration":0}\n{"iteration":1}\n{"iteration":1}\n');
});
