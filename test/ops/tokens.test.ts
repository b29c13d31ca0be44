import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { embedTokens } from "../../src/ops/tokens.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("the class token leads, positions are added, masked patches are replaced", async () => {
  await init();
  const patches = fromArray([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
  const cls = fromArray([100, 200], [2]);
  const position = fromArray([0.5, 0.25, 10, 20, 30, 40], [3, 2]);
  const plain = [100.5, 200.25, 11, 22, 33, 44, 100.5, 200.25, 15, 26, 37, 48];
  assert.equal(
    step(() => [...embedTokens(patches, { cls, position }).toArray()]),
    plain,
  );
  const maskToken = fromArray([-1, -2], [2]);
  const mask = fromArray([0, 1, 1, 0], [2, 2], "i32");
  const masked = [100.5, 200.25, 11, 22, 29, 38, 100.5, 200.25, 9, 18, 37, 48];
  assert.equal(
    step(() => [...embedTokens(patches, { cls, position, maskToken, mask }).toArray()]),
    masked,
  );
  assert.equal(
    step(() => [...embedTokens(patches, { cls, position, maskToken }).toArray()]),
    plain,
  );
});

test("tables may be narrowed views", async () => {
  await init();
  const patches = fromArray([1, 2, 3, 4], [1, 2, 2]);
  const cls = fromArray([100, 200, 300], [1, 1, 3]).narrow(2, 0, 2).select(0, 0).select(0, 0);
  const position = fromArray([1, 2, 9, 3, 4, 9, 5, 6, 9], [3, 3]).narrow(1, 0, 2);
  assert.equal(
    step(() => [...embedTokens(patches, { cls, position }).toArray()]),
    [101, 202, 4, 6, 8, 10],
  );
});

test("an empty batch and no patches at all are embedded", async () => {
  await init();
  const cls = fromArray([1, 2], [2]);
  assert.equal(
    step(() => embedTokens(empty([0, 1, 2]), { cls, position: empty([2, 2]) }).shape),
    [0, 2, 2],
  );
  const position = fromArray([10, 20], [1, 2]);
  assert.equal(
    step(() => [...embedTokens(empty([2, 0, 2]), { cls, position }).toArray()]),
    [11, 22, 11, 22],
  );
});

test("gradients of embedded tokens are their derivatives, through narrowed tables too", async () => {
  await initDouble();
  const patches = leaf([3, 4, 5], 1);
  const [cls, position, maskToken] = [leaf([8], 2), leaf([5, 8], 3), leaf([1, 8], 4)];
  const mask = fromArray([1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0], [3, 4], "i32");
  const tables = {
    cls: cls.narrow(0, 0, 5),
    position: position.narrow(1, 0, 5),
    maskToken: maskToken.narrow(1, 0, 5).select(0, 0),
  };
  gradcheck(() => embedTokens(patches, tables), [patches, cls, position]);
  gradcheck(() => embedTokens(patches, { ...tables, mask }), [patches, cls, position, maskToken]);
  gradcheck(
    () =>
      embedTokens(patches.permute([2, 1, 0]).narrow(2, 0, 2), {
        cls: cls.narrow(0, 0, 2),
        position: position.narrow(1, 3, 2),
      }),
    [patches, cls, position],
  );
});

test("without a mask the mask token gets no gradient", async () => {
  await initDouble();
  const [patches, cls, position, maskToken] = [leaf([1, 2, 3], 1), leaf([3], 2), leaf([3, 3], 3), leaf([3], 4)];
  step(() => embedTokens(patches, { cls, position, maskToken }).backward(new Float64Array(9).fill(1)));
  assert.is(maskToken.grad(), null);
  assert.equal([...(patches.grad() ?? [])], new Array(6).fill(1));
});

test("tables that do not fit are refused with a message", async () => {
  await init();
  const patches = empty([2, 3, 4]);
  const [cls, position, maskToken] = [empty([4]), empty([4, 4]), empty([4])];
  const mask = empty([2, 3], "i32");
  refuses(
    () => embedTokens(empty([3, 4]), { cls, position }),
    ShapeError,
    "embedTokens: patches are [3, 4], expected [B, N, w].",
  );
  refuses(
    () => embedTokens(patches, { cls: empty([5]), position }),
    ShapeError,
    "embedTokens: cls is [5], expected [4].",
  );
  refuses(
    () => embedTokens(patches, { cls, position: empty([3, 4]) }),
    ShapeError,
    "embedTokens: position is [3, 4], expected [4, 4].",
  );
  refuses(() => embedTokens(patches, { cls, position, mask }), ShapeError, "a mask came without maskToken");
  refuses(
    () => embedTokens(patches, { cls, position, maskToken, mask: empty([2, 4], "i32") }),
    ShapeError,
    "embedTokens: mask is [2, 4], expected [2, 3].",
  );
  refuses(
    () => embedTokens(patches, { cls, position, maskToken: empty([3]), mask }),
    ShapeError,
    "embedTokens: maskToken is [3], expected [4].",
  );
  refuses(
    () => embedTokens(patches, { cls, position, maskToken, mask: empty([2, 3]) }),
    DTypeError,
    "embedTokens: mask is [2, 3] f32, expected i32.",
  );
});
