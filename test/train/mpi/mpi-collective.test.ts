import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { mpiTest, startRanks } from "../../support/mpi.js";

const program = fileURLToPath(new URL("../../support/rank-checks.js", import.meta.url));

for (const size of [2, 3]) {
  mpiTest(
    `${size} ranks add up, gather, broadcast, average gradients, skip a step together and notice weights that differ`,
    async () => {
      const { code, stdout, stderr } = await startRanks(size, [process.execPath, program]).done;
      assert.is(code, 0, stdout + stderr);
    },
  );
}
