import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { expectExit } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const scores = ["knn", "shot10", "randomKnn", "randomShot10"] as const;

test(
  "a very short demo ends with scores of raw pixels and of every network, trained and at random, and leaves their files",
  async () => {
    const cwd = tempFolder();
    const { result } = await expectExit(0, ["demo", "--json", "optim.epochs=0.05", "optim.warmup_epochs=0.01"], {
      cwd,
    });
    const { raw, networks, seconds } = result as {
      raw: Record<"knn" | "shot10", number>;
      networks: (Record<(typeof scores)[number] | "params", number> & { name: string; file: string })[];
      seconds: number;
    };
    // Raw pixels do not depend on training: 0.94 from all labels, 0.755 from ten per class.
    assert.ok(Math.abs(raw.knn - 0.94) < 0.005 && Math.abs(raw.shot10 - 0.755) < 0.01, JSON.stringify(raw));
    assert.equal(
      networks.map(({ name }) => name),
      ["64x3", "64x2", "48x3", "48x2", "32x3", "32x2"],
    );
    for (const network of networks) {
      for (const score of scores) assert.ok(network[score] > 0.1 && network[score] < 1, `${network.name} ${score}`);
      assert.ok(Number.isInteger(network.params) && existsSync(join(cwd, network.file)));
    }
    assert.ok(seconds > 0);
  },
  { timeoutMs: 300_000 },
);
