import fc from "fast-check";
import * as assert from "uvu/assert";
import { noGrad, step } from "../../src/autograd/tape.js";
import { keptBlocks } from "../../src/elastic/blocks.js";
import { ConfigError, ShapeError } from "../../src/errors.js";
import type { Features } from "../../src/models/features.js";
import { VisionTransformer, type VitOptions } from "../../src/models/vit.js";
import { concatRows } from "../../src/ops/concat.js";
import { contiguous } from "../../src/ops/layout.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradcheck } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";
import { outputsOf, sameOutputs, seededImages, testBackbone, withNumbers } from "./backbone-suite.js";

/** A network with seeded numbers of order one, so that no part is too small to be seen. */
function vit(options: Partial<VitOptions> = {}): VisionTransformer {
  const size = { imageSize: 16, patchSize: 4, channels: 1, width: 12, depth: 5, headDim: 4, layerScale: 1 };
  return withNumbers(new VisionTransformer({ ...size, rng: new Rng(1), ...options }));
}

const image = (batch: number, height: number, width = height) => seededImages(batch, 1, height, width);

testBackbone({
  family: "vit",
  build: () => vit({ depth: 3, dropPathRate: 0.3 }),
  tiny: () => vit({ width: 8, depth: 2, imageSize: 8 }),
  channels: 1,
  side: 16,
  otherSides: [8, 20],
  tinySides: [8, 4],
  patches: 16,
  tinyPatches: 4,
  full: { width: 12, depth: 3 },
  parts: [
    { width: 8, depth: 2 },
    { width: 12, depth: 1 },
    { width: 4, depth: 3 },
  ],
  tinyPart: { width: 4, depth: 1 },
  dropPaths: [
    () => {
      const subsets = [[2, 0], [1, 2], [0, 1], [2, 1], [0], [1, 0]].map((rows) => Int32Array.from(rows));
      return () => ({ rows: subsets.shift() as Int32Array, scale: 1.5 });
    },
  ],
});

test("parameters carry the names of a checkpoint, in its order", async () => {
  await init();
  const names = vit({ depth: 1 })
    .namedParameters()
    .map(([name]) => name);
  assert.equal(names.slice(0, 5), [
    "cls_token",
    "pos_embed",
    "mask_token",
    "patch_embed.proj.weight",
    "patch_embed.proj.bias",
  ]);
  assert.equal(
    names.slice(5, -2).map((name) => name.replace(/^blocks\.0\./, "")),
    [
      "norm1.weight",
      "norm1.bias",
      "attn.qkv.weight",
      "attn.qkv.bias",
      "attn.proj.weight",
      "attn.proj.bias",
      "ls1.gamma",
    ].concat([
      "norm2.weight",
      "norm2.bias",
      "mlp.fc1.weight",
      "mlp.fc1.bias",
      "mlp.fc2.weight",
      "mlp.fc2.bias",
      "ls2.gamma",
    ]),
  );
  assert.equal(names.slice(-2), ["norm.weight", "norm.bias"]);
});

test("outputs are the class token, the patch tokens and all tokens before the last norm", async () => {
  await init();
  const model = vit();
  step(() => {
    const features: Features = model.forward(image(2, 16));
    const shapes = [features.classToken, features.patchTokens, features.prenorm].map(({ shape }) => shape);
    assert.equal(shapes, [
      [2, 12],
      [2, 16, 12],
      [2, 17, 12],
    ]);
    const normed = model.norm.forward(features.prenorm);
    assert.equal(features.classToken.toArray(), normed.select(1, 0).toArray());
    assert.equal(features.patchTokens.toArray(), normed.narrow(1, 1, 16).toArray());
  });
});

test("a slice, and what is materialised of it, are the same function to rounding, for any part", async () => {
  await init();
  const model = vit();
  const images = { full: image(2, 16), local: image(3, 8), wide: image(1, 12, 20) };
  const parts = fc.record({ heads: fc.integer({ min: 1, max: 3 }), depth: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(parts, fc.constantFrom(...(["full", "local", "wide"] as const)), ({ heads, depth }, size) => {
      const slice = model.slice({ width: 4 * heads, depth });
      const dense = slice.materialize();
      assert.ok(dense.parameters().every(({ contiguous }) => contiguous));
      assert.is(dense.parameterCount, slice.parameterCount);
      assert.is(dense.blocks[0].attn.qkv.weight.shape.length, 2);
      sameOutputs(outputsOf(dense, images[size]), outputsOf(slice, images[size]));
      dense.dispose();
    }),
    { numRuns: 25, seed: 1 },
  );
});

test("a slice keeps the first channels of every tensor and the blocks of the published rule", async () => {
  await init();
  const model = vit();
  const slice = model.slice({ width: 8, depth: 3 });
  assert.equal([slice.width, slice.depth, slice.featureDim], [8, 3, 8]);
  keptBlocks(5, 3).forEach((from, to) => {
    assert.is(slice.blocks[to].mlp.fc1.weight.storage, model.blocks[from].mlp.fc1.weight.storage);
  });
  assert.equal(slice.pos_embed.shape, [1, 17, 8]);
  assert.equal([...slice.cls_token.toArray()], [...model.cls_token.toArray().slice(0, 8)]);
  assert.equal([model.width, model.depth], [12, 5], "the full network is untouched");
});

test("a slice of a slice in width is the slice at once", async () => {
  await init();
  const model = vit();
  const [once, twice] = [model.slice({ width: 4 }), model.slice({ width: 8 }).slice({ width: 4 })];
  sameOutputs(outputsOf(twice, image(2, 16)), outputsOf(once, image(2, 16)));
  const deep = model.slice({ depth: 3 }).slice({ depth: 2, width: 4 }).materialize();
  sameOutputs(outputsOf(deep, image(2, 8)), outputsOf(model.slice({ width: 4, depth: 2 }), image(2, 8)));
});

test("other crop sizes give one token per patch", async () => {
  await init();
  const model = vit();
  for (const [height, width] of [
    [8, 8],
    [16, 8],
    [20, 12],
    [4, 4],
  ]) {
    step(() => assert.equal(model.forward(image(2, height, width)).patchTokens.shape, [2, (height * width) / 16, 12]));
  }
});

test("a masked patch does not see its pixels, an unmasked one does", async () => {
  await init();
  const model = vit();
  const masks = fromArray([...new Array(16).fill(0).with(5, 1), ...new Array(16).fill(0)], [2, 16], "i32");
  const [clean, changed] = [image(2, 16), image(2, 16)];
  const at = 16 * 4 + 4; // first pixel of patch 5
  changed.write(changed.toArray().with(at, 9));
  assert.equal(outputsOf(model, changed, { masks }), outputsOf(model, clean, { masks }));
  assert.not.equal(outputsOf(model, changed), outputsOf(model, clean));
  assert.not.equal(outputsOf(model, clean, { masks })[0].slice(0, 12), outputsOf(model, clean)[0].slice(0, 12));
  assert.equal(
    outputsOf(model, clean, { masks })[0].slice(12),
    outputsOf(model, clean)[0].slice(12),
    "the other image is as it was",
  );
});

test("attention of the class token to patches has a share for each head and patch, of each image alone", async () => {
  await init();
  const model = vit();
  const images = image(3, 16, 20);
  const shares = noGrad(() => step(() => model.classAttention(images).toArray()));
  assert.is(shares.length, 3 * 3 * 20);
  for (let row = 0; row < shares.length; row += 20) {
    const total = [...shares.subarray(row, row + 20)].reduce((sum, share) => sum + share, 0);
    assert.ok(total > 0 && total < 1, `the class token attends to itself too: ${total}`);
  }
  const alone = noGrad(() => step(() => model.classAttention(contiguous(images.narrow(0, 1, 1))).toArray()));
  assert.equal(alone, shares.slice(60, 120));
});

test("images, masks and options that do not fit are refused with the sizes", async () => {
  await init();
  const model = vit();
  const run =
    (images: Tensor, options = {}) =>
    () =>
      step(() => model.forward(images, options).prenorm.numel);
  refuses(
    run(image(2, 18)),
    ShapeError,
    "vit: images are [2, 1, 18, 18], expected [B, C, H, W] with sides that are multiples of 4.",
  );
  refuses(run(image(2, 16).select(0, 0)), ShapeError, "vit: images are [1, 16, 16]");
  refuses(run(fromArray(new Float32Array(3 * 256), [1, 3, 16, 16])), ShapeError, "linear: x has 48 features");
  const masks = fromArray(new Int32Array(16), [1, 16], "i32");
  refuses(run(image(2, 16), { masks }), ShapeError, "embedTokens: mask is [1, 16], expected [2, 16].");
  refuses(() => vit({ imageSize: 18 }), ShapeError, "vit: image size 18 is not a multiple of the patch size 4.");
  refuses(() => vit({ width: 10 }), ShapeError, "vit: width 10 is not a multiple of the head dimension 4.");
});

test("a part that is none is refused", async () => {
  await init();
  const model = vit();
  for (const network of [
    { width: 6 },
    { width: 0 },
    { width: 16 },
    { depth: 0 },
    { depth: 6 },
    { depth: [1, 2] as const },
  ]) {
    refuses(
      () => model.slice(network),
      ShapeError,
      "is not a part of 12x5; width is a multiple of the head dimension 4.",
    );
  }
  refuses(() => model.slice({ width: 8, depth: 1.5 }), ConfigError, "cannot keep 1.5 of 5 blocks");
});

test("multiply-adds of a small network, counted by hand", async () => {
  await init();
  const model = vit();
  const [patches, tokens] = [16, 17];
  const perBlock = tokens * (3 * 12 * 12 + 12 * 12 + 2 * 4 * 12 * 12) + 2 * tokens * tokens * 12;
  assert.is(model.multiplyAdds(16), patches * 16 * 12 + 5 * perBlock);
  const small = tokens * 12 * 8 * 8 + 2 * tokens * tokens * 8;
  assert.is(model.slice({ width: 8, depth: 2 }).multiplyAdds(16), patches * 16 * 8 + 2 * small);
  assert.is(model.slice({ width: 8, depth: 1 }).multiplyAdds(8), 4 * 16 * 8 + 5 * 12 * 8 * 8 + 2 * 25 * 8);
});

test("stochastic depth is the same for all blocks, or rises from zero", async () => {
  await init();
  const rates = (options: Partial<VitOptions>) =>
    vit({ dropPathRate: 0.4, ...options }).blocks.map(({ dropPathRate }) => dropPathRate);
  assert.equal(rates({}), [0.4, 0.4, 0.4, 0.4, 0.4]);
  assert.equal(rates({ dropPathUniform: false }), [0, 0.1, 0.2, (0.4 * 3) / 4, 0.4]);
  assert.equal(rates({ dropPathUniform: false, depth: 1 }), [0.4]);
  const asked: number[] = [];
  const dropPath = (_: number, rate: number) => {
    asked.push(rate);
    return {};
  };
  outputsOf(vit({ dropPathRate: 0.4, dropPathUniform: false }).slice({ depth: 3 }), image(1, 8), { dropPath });
  assert.equal(asked, [0, 0, 0.2, 0.2, 0.4, 0.4]);
});

test("intermediate features are those after the named blocks, through the last norm", async () => {
  await init();
  const model = vit();
  step(() => {
    const [early, last] = model.intermediate(image(2, 16), [2, 4]);
    const whole = model.forward(image(2, 16));
    assert.equal(last.classToken.toArray(), whole.classToken.toArray());
    assert.equal(last.patchTokens.toArray(), whole.patchTokens.toArray());
    const cut = Object.assign(Object.create(VisionTransformer.prototype), model, { blocks: model.blocks.slice(0, 3) });
    assert.equal(early.classToken.toArray(), cut.forward(image(2, 16)).classToken.toArray());
  });
});

test("inference keeps one output per block, and training gives the same numbers", async () => {
  await init();
  const model = vit();
  const images = image(4, 16);
  const [trained, quiet] = step(() => {
    const start = memory().stepBytes;
    const x = noGrad(() => model.forward(images));
    const quietBytes = memory().stepBytes - start;
    const y = model.forward(images);
    assert.ok(memory().stepBytes - start - quietBytes > 3 * quietBytes);
    return [y.prenorm, x.prenorm].map((tensor) => tensor.toArray());
  });
  assert.equal(quiet, trained);
});

test("the whole network is the derivative of itself: full and sliced, masked and local, with stochastic depth", async () => {
  await initDouble();
  const model = vit({ width: 8, depth: 2, imageSize: 8, patchSize: 4, dropPathRate: 0.5 });
  const [globals, locals] = [image(2, 8), image(2, 4)];
  const masks = fromArray([0, 1, 0, 0, 0, 0, 1, 1], [2, 4], "i32");
  const dropPath = () => ({ rows: Int32Array.of(1), scale: 2 });
  const fn = () => {
    const full = model.forward(globals, { masks });
    const part = model.slice({ width: 4, depth: 1 });
    const global = part.forward(globals, { masks, dropPath });
    const local = part.forward(locals);
    const tokens = [full.classToken, contiguous(full.patchTokens), full.prenorm].map((x) =>
      contiguous(x).reshape([-1, 4]),
    );
    return concatRows([...tokens, global.classToken, contiguous(global.patchTokens), local.classToken]);
  };
  gradcheck(fn, model.parameters(), { samples: 5 });
});
