import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ShapeError } from "../../src/errors.js";
import { cellsOf, masksOnMap, patchesOf, patchTokens } from "../../src/models/token-grid.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const grid = { batch: 2, height: 1, width: 2, scale: 2 }; // patches 2 x 4, cells 1 x 2

test("each patch is in the cell that it lies over", async () => {
  assert.is(patchesOf(grid), 8);
  const all = Int32Array.from({ length: 16 }, (_, i) => i);
  assert.equal([...cellsOf(all, grid)], [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3]);
  assert.equal([...cellsOf(all, { ...grid, width: 4, batch: 1, scale: 1, height: 4 })], [...all]);
  await init();
  const tokens = step(() => patchTokens(fromArray([10, 11, 12, 13], [4, 1]), grid));
  assert.equal(tokens.shape, [2, 8, 1]);
  assert.equal([...tokens.toArray()].slice(8), [12, 12, 13, 13, 12, 12, 13, 13]);
});

test("masks cover the cells of a finer map, cut off where it ends", async () => {
  await init();
  const masks = fromArray([0, 1, 0, 0, 1, 0, 0, 1, ...new Array<number>(8).fill(0)], [2, 8], "i32");
  const rows = (height: number, width: number, factor: number) =>
    step(() =>
      masksOnMap(masks, grid, { factor, height, width })
        .toArray()
        .slice(0, height * width),
    );
  assert.equal([...rows(2, 4, 1)], [0, 1, 0, 0, 1, 0, 0, 1]);
  const upper = [0, 0, 1, 1, 0, 0, 0];
  const lower = [1, 1, 0, 0, 0, 0, 1];
  assert.equal([...rows(3, 7, 2)], [...upper, ...upper, ...lower]);
  refuses(
    () => masksOnMap(masks.narrow(1, 0, 4), grid, { factor: 1, height: 2, width: 4 }),
    ShapeError,
    "masks are [2, 4], expected [2, 8], a grid of 2x4 patches.",
  );
});
