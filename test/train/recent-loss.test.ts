import * as assert from "uvu/assert";
import { RecentLoss } from "../../src/train/recent-loss.js";
import { test } from "../support/test.js";

test("the mean is that of the last steps, and there is none before the first", () => {
  const recent = new RecentLoss(3);
  assert.is(recent.mean(), null);
  recent.add(4);
  assert.is(recent.mean(), 4);
  for (const loss of [1, 2, 6]) recent.add(loss);
  assert.is(recent.mean(), 3);
});
