import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { expectExit } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

interface Row extends Record<"params" | "knn" | "shot10" | "randomKnn" | "randomShot10", number> {
  readonly name: string;
  readonly file: string;
}

test(
  "the demo's encoders of every size pass their own random start, and the best passes raw pixels",
  async () => {
    const cwd = tempFolder();
    const { result } = await expectExit(0, ["demo", "--json"], { cwd });
    const { raw, networks, seconds } = result as {
      raw: Record<"knn" | "shot10", number>;
      networks: Row[];
      seconds: number;
    };
    console.log(`demo: ${Math.round(seconds)} s of training, ${JSON.stringify(networks)}`);
    // Raw pixels do not depend on training: 0.94 from all labels, 0.755 from ten per class.
    assert.ok(Math.abs(raw.knn - 0.94) < 0.005 && Math.abs(raw.shot10 - 0.755) < 0.01, JSON.stringify(raw));
    assert.equal(
      networks.map(({ name }) => name),
      ["64x3", "64x2", "48x3", "48x2", "32x3", "32x2"],
    );
    const [full] = networks;
    assert.ok(full.knn >= 0.94 && full.shot10 >= 0.74, `full: ${full.knn} and ${full.shot10}`);
    for (const network of networks) {
      assert.ok(network.shot10 >= 0.72, `${network.name}: ${network.shot10} from ten labels per class`);
      assert.ok(network.knn > network.randomKnn + 0.1 && network.shot10 > network.randomShot10 + 0.1, network.name);
      assert.ok(Number.isInteger(network.params) && existsSync(join(cwd, network.file)));
    }
    assert.ok(Math.max(...networks.map(({ shot10 }) => shot10)) > raw.shot10, "none passes raw pixels");
  },
  { timeoutMs: 900_000 },
);
