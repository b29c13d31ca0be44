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
  "the demo's encoders of every size pass their own random start, raw pixels and HOG",
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
      ["16x2", "16x1", "12x2", "12x1", "8x2", "8x1"],
    );
    for (const { name, knn, shot10, randomKnn, randomShot10, params, file } of networks) {
      // HOG, of nine directions in cells of 8 x 8 pixels, has 0.83 from ten labels per class, measured elsewhere.
      assert.ok(knn > raw.knn && shot10 > 0.83, `${name}: ${knn} from all labels, ${shot10} from ten per class`);
      assert.ok(
        knn > randomKnn && shot10 > randomShot10 + 0.1,
        `${name} at random start: ${randomKnn} and ${randomShot10}`,
      );
      assert.ok(Number.isInteger(params) && existsSync(join(cwd, file)));
    }
  },
  { timeoutMs: 900_000 },
);
