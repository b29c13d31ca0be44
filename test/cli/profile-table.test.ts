import * as assert from "uvu/assert";
import { profileTable, rankShares } from "../../src/cli/profile-table.js";
import { test } from "../support/test.js";

test("phases and kernels are listed with their shares", () => {
  const text = profileTable({
    elapsedMs: 200,
    kernelShare: 0.75,
    phases: [
      { name: "teacher", calls: 2, elapsedMs: 150, kernelMs: 120 },
      { name: "other", calls: 2, elapsedMs: 50, kernelMs: 30 },
    ],
    kernels: [
      { name: "gemm_f32", calls: 1200, elapsedMs: 140 },
      { name: "fill_f32", calls: 3, elapsedMs: 10 },
    ],
  });
  assert.is(
    text,
    [
      "phase    calls     ms  share  in kernels",
      "teacher      2  150.0  75.0%       80.0%",
      "other        2   50.0  25.0%       60.0%",
      "",
      "kernel    calls     ms  share",
      "gemm_f32   1200  140.0  93.3%",
      "fill_f32      3   10.0   6.7%",
      "",
      "75.0% of 200.0 ms inside kernels",
    ].join("\n"),
  );
});

test("a profile in which nothing ran has no shares to divide", () => {
  const text = profileTable({
    elapsedMs: 0,
    kernelShare: 0,
    phases: [{ name: "data", calls: 0, elapsedMs: 0, kernelMs: 0 }],
    kernels: [],
  });
  assert.match(text, /^data +0 +0\.0 +0\.0% +0\.0%$/m);
});

test("with several ranks it ends with the shares of communication and of waiting; a process on its own has none", () => {
  const costs = {
    elapsedMs: 200,
    kernelShare: 0.5,
    phases: [
      { name: "rank wait", calls: 9, elapsedMs: 50, kernelMs: 0 },
      { name: "communication", calls: 4, elapsedMs: 20, kernelMs: 0 },
      { name: "other", calls: 2, elapsedMs: 130, kernelMs: 100 },
    ],
    kernels: [],
  };
  assert.equal(rankShares(costs), { communicationShare: 0.1, rankWaitShare: 0.25 });
  const last = "50.0% of 200.0 ms inside kernels, 10.0% in communication between ranks, 25.0% waiting for them";
  assert.ok(profileTable(costs).endsWith(last));
  assert.is(rankShares({ ...costs, phases: costs.phases.slice(2) }), null);
});
