import fc from "fast-check";
import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { keptBlocks } from "../../src/elastic/blocks.js";
import { ConfigError, ShapeError } from "../../src/errors.js";
import { type SwinOptions, SwinTransformer } from "../../src/models/swin.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";
import { outputsOf, sameOutputs, seededImages, testBackbone, withNumbers } from "./backbone-suite.js";

/** A network with seeded numbers of order one: maps of 16, 8, 4 and 2 cells for images of 32 pixels. */
function swin(options: Partial<SwinOptions> = {}): SwinTransformer {
  const size = { patchSize: 2, channels: 1, width: 6, depths: [2, 1, 4, 2], headDim: 2, windowSize: 3, mlpRatio: 2 };
  return withNumbers(new SwinTransformer({ ...size, rng: new Rng(1), ...options }));
}

const image = (batch: number, height: number, width = height) => seededImages(batch, 1, height, width);

testBackbone({
  family: "swin",
  build: () => swin({ dropPathRate: 0.3 }),
  tiny: () => swin({ width: 8, headDim: 4, depths: [1, 1, 2, 1], windowSize: 2, mlpRatio: 1 }),
  channels: 1,
  side: 32,
  otherSides: [12, 20],
  tinySides: [10, 6],
  patches: 16,
  tinyPatches: 4,
  full: { width: 6, depth: 4 },
  parts: [
    { width: 4, depth: 2 },
    { width: 6, depth: 3 },
    { width: 2, depth: 4 },
  ],
  samples: 2,
  tinyPart: { width: 4, depth: 1 },
  dropPaths: [
    () => {
      let call = 0;
      return () => ({ rows: Int32Array.of(call % 3, (call++ + 1) % 3), scale: 1.5 });
    },
  ],
});

test("parameters carry the names of a checkpoint, in its order", async () => {
  await init();
  const names = swin()
    .namedParameters()
    .map(([name]) => name);
  assert.equal(names.slice(0, 5), [
    "mask_token",
    "patch_embed.proj.weight",
    "patch_embed.proj.bias",
    "patch_embed.norm.weight",
    "patch_embed.norm.bias",
  ]);
  const block = ["norm1.weight", "norm1.bias", "attn.w_msa.relative_position_bias_table"]
    .concat(["attn.w_msa.qkv.weight", "attn.w_msa.qkv.bias", "attn.w_msa.proj.weight", "attn.w_msa.proj.bias"])
    .concat(["norm2.weight", "norm2.bias", "ffn.fc1.weight", "ffn.fc1.bias", "ffn.fc2.weight", "ffn.fc2.bias"]);
  assert.equal(
    names.filter((name) => name.startsWith("stages.0.")),
    [
      ...block.map((name) => `stages.0.blocks.0.${name}`),
      ...block.map((name) => `stages.0.blocks.1.${name}`),
      ...["norm.weight", "norm.bias", "reduction.weight"].map((name) => `stages.0.downsample.${name}`),
    ],
  );
  assert.equal(
    names.filter((name) => name.startsWith("norm")),
    [0, 1, 2, 3].flatMap((s) => [`norm${s}.weight`, `norm${s}.bias`]),
  );
  assert.not.ok(names.some((name) => name.startsWith("stages.3.downsample")));
});

test("a slice keeps its own shifts, and the patch embedding of the full width", async () => {
  await init();
  const model = swin({ depths: [2, 2, 8, 2] });
  const slice = model.slice({ width: 4, depth: 3 });
  assert.equal(model.shifts[2], [false, true, false, true, false, true, false, true]);
  assert.equal(keptBlocks(8, 3), [0, 3, 7]);
  assert.equal(slice.shifts, [
    [false, true],
    [false, true],
    [false, true, true],
    [false, true],
  ]);
  assert.equal([slice.width, slice.embedWidth, slice.depth, slice.featureDim], [4, 6, 3, 32]);
  const dense = slice.materialize();
  assert.equal([dense.width, dense.embedWidth, dense.depths, dense.shifts], [4, 6, [2, 2, 3, 2], slice.shifts]);
  const { patchScale, headDim, windowSize, shiftSmallMaps, width, embedWidth, depths, shifts } = dense;
  const sizes = { patchScale, headDim, windowSize, shiftSmallMaps, width, embedWidth, depths, shifts };
  const again = swin(sizes);
  again.loadStateDict(
    new Map([...dense.stateDict()].map(([name, x]) => [name, { shape: x.shape, data: x.toArray() }])),
  );
  assert.equal(outputsOf(again, image(2, 32)), outputsOf(dense, image(2, 32)), "rebuilt from what it says of itself");
});

test("a slice of a slice in width is the slice at once", async () => {
  await init();
  const model = swin();
  const [once, twice] = [model.slice({ width: 2 }), model.slice({ width: 4 }).slice({ width: 2 })];
  sameOutputs(outputsOf(twice, image(2, 32)), outputsOf(once, image(2, 32)));
  const narrower = model.slice({ width: 4, depth: 2 }).materialize().slice({ width: 2, depth: 1 });
  sameOutputs(outputsOf(narrower.materialize(), image(2, 12)), outputsOf(narrower, image(2, 12)));
});

test("a narrower network is no network whose patch norm sees fewer channels", async () => {
  await init();
  const slice = swin().slice({ width: 2 });
  const changed = image(1, 32);
  const before = outputsOf(slice, changed)[0];
  const { weight } = slice.patch_embed.proj;
  weight.write(weight.toArray().map((value, i) => (i < weight.numel / 2 ? value : 3 * value)));
  assert.not.equal(outputsOf(slice, changed)[0], before, "the last channels take part in its statistics");
});

test("the class feature is the mean of the last map, whose cells are the patch tokens of their corner", async () => {
  await init();
  const model = swin();
  step(() => {
    const { classToken, patchTokens, prenorm } = model.forward(image(1, 32));
    assert.equal(prenorm.shape, [1, 4, 48]);
    const normed = model.norm3.forward(prenorm);
    const cells = [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3];
    cells.forEach((cell, patch) => {
      assert.equal(patchTokens.select(1, patch).toArray(), normed.select(1, cell).toArray());
    });
    const mean = [0, 1, 2, 3].reduce((sum, cell) => sum + normed.select(1, cell).toArray()[7], 0) / 4;
    assert.ok(Math.abs(mean - classToken.toArray()[7]) < 1e-6);
  });
});

test("a masked patch does not see its pixels, an unmasked one does", async () => {
  await init();
  const model = swin();
  const masks = fromArray(new Int32Array(32).fill(0).with(5, 1), [2, 16], "i32");
  const [clean, changed] = [image(2, 32), image(2, 32)];
  const at = 15 * 32 + 8; // the lowest row of patch 5: rows and columns 8 to 15
  changed.write(changed.toArray().with(at, 9));
  assert.equal(outputsOf(model, changed, { masks }), outputsOf(model, clean, { masks }));
  assert.not.equal(outputsOf(model, changed), outputsOf(model, clean));
  changed.write(clean.toArray().with(at + 32, 9)); // patch 9 is below
  assert.not.equal(outputsOf(model, changed, { masks }), outputsOf(model, clean, { masks }));
});

test("maps whose sides are no whole number of patches are masked as far as they go", async () => {
  await init();
  const model = swin();
  step(() => {
    const masks = fromArray(new Int32Array(16).fill(1), [1, 16], "i32");
    const features = model.forward(image(1, 20), { masks }); // 10 cells: two patches of four and one of two
    assert.equal(features.patchTokens.shape, [1, 16, 48]);
  });
});

test("windows that cover a small map are moved, unless that is not wanted", async () => {
  await init();
  const still = (options: Partial<SwinOptions>) =>
    outputsOf(swin({ depths: [1, 1, 1, 2], shiftSmallMaps: false, ...options }), image(1, 32))[0];
  const none = [[false], [false], [false], [false, false]];
  assert.equal(still({}), still({ shifts: none }), "the last map has 2 cells a side, a window 3");
  assert.not.equal(still({ shiftSmallMaps: true }), still({}));
  assert.equal(still({ shiftSmallMaps: true, shifts: none }), still({}));
  assert.not.equal(still({ shifts: [[true], ...none.slice(1)] }), still({}), "the first map is not small");
});

test("intermediate features are the maps of the stages through norms of their own", async () => {
  await init();
  const model = swin();
  step(() => {
    const taken = model.intermediate(image(2, 32), [0, 2, 3]);
    assert.equal(
      taken.map(({ patchTokens }) => patchTokens.shape),
      [
        [2, 256, 6],
        [2, 16, 24],
        [2, 4, 48],
      ],
    );
    const whole = model.forward(image(2, 32));
    assert.equal(taken[2].classToken.toArray(), whole.classToken.toArray());
    assert.equal(taken[2].patchTokens.toArray(), model.norm3.forward(whole.prenorm).toArray());
    assert.equal(taken[0].classToken.shape, [2, 6]);
  });
});

test("stochastic depth rises linearly from zero over the blocks of all stages", async () => {
  await init();
  const rates = (model: SwinTransformer) =>
    model.stages.flatMap(({ blocks }) => blocks.map(({ dropPathRate }) => dropPathRate));
  const model = swin({ depths: [1, 1, 2, 1], dropPathRate: 0.4 });
  assert.equal(rates(model), [0, 0.1, 0.2, (0.4 * 3) / 4, 0.4]);
  assert.equal(rates(model.slice({ depth: 1 })), [0, 0.1, 0.2, 0.4], "of its own place in the full network");
  const asked: number[] = [];
  const dropPath = (_: number, rate: number) => {
    asked.push(rate);
    return {};
  };
  outputsOf(model.slice({ depth: 1 }), image(1, 16), { dropPath });
  assert.equal(asked, [0, 0, 0.1, 0.1, 0.2, 0.2, 0.4, 0.4]);
});

test("parameters start as published: uniform within 1/√fan_in, biases too, tables and the mask token at zero", async () => {
  await init();
  const options = { patchSize: 2, channels: 1, width: 16, depths: [1, 1, 1, 1], headDim: 4, windowSize: 2 };
  const model = new SwinTransformer({ ...options, rng: new Rng(3) });
  const largest = (x: Tensor) => Math.max(...Array.from(x.toArray(), Math.abs));
  for (const [name, x] of model.namedParameters()) {
    const weight = model.stateDict().get(name.replace(/bias$/, "weight"))!;
    if (/table|mask_token/.test(name)) assert.is(largest(x), 0, name);
    else if (/norm/.test(name)) assert.is(largest(x), name.endsWith("weight") ? 1 : 0, name);
    else {
      const bound = 1 / Math.sqrt(weight.numel / weight.shape[0]);
      assert.ok(largest(x) <= bound && largest(x) > 0.8 * bound, `${name}: ${largest(x)} of ${bound}`);
    }
  }
  const narrow = new SwinTransformer({ ...options, init: "fan_in", rng: new Rng(3) });
  assert.is(largest(narrow.stages[0].blocks[0].ffn.fc1.bias!), 0);
});

test("multiply-adds of a small network, counted by hand", async () => {
  await init();
  const model = swin({ depths: [1, 1, 1, 1], windowSize: 2, patchSize: 1 });
  const block = (cells: number, c: number) => cells * (4 * c * c + 4 * c * c + 2 * 4 * c);
  const merging = (cells: number, c: number) => cells * 8 * c * c;
  const blocks = block(64, 6) + block(16, 12) + block(4, 24);
  // The last map is one cell: its window of four goes through qkv, proj and attention, one cell through the MLP.
  const last = 4 * (4 * 48 * 48 + 2 * 4 * 48) + 4 * 48 * 48;
  const sum = blocks + last;
  assert.is(model.multiplyAdds(8), 64 * 6 + sum + merging(16, 6) + merging(4, 12) + merging(1, 24));
});

test("what a forward pass lays out goes with its step", async () => {
  await init();
  const model = swin();
  const images = image(1, 32);
  outputsOf(model, images);
  const before = memory().persistentBytes;
  for (let i = 0; i < 3; i++) outputsOf(model, images);
  assert.is(memory().persistentBytes, before);
});

test("images, masks and options that do not fit are refused with the sizes", async () => {
  await init();
  const model = swin();
  const run =
    (images: Tensor, options = {}) =>
    () =>
      step(() => model.forward(images, options).prenorm.numel);
  refuses(
    run(image(2, 31)),
    ShapeError,
    "swin: images are [2, 1, 31, 31], expected [B, C, H, W] with sides that are multiples of 2.",
  );
  refuses(run(image(2, 32).select(0, 0)), ShapeError, "swin: images are [1, 32, 32]");
  const masks = fromArray(new Int32Array(16), [1, 16], "i32");
  refuses(run(image(2, 32), { masks }), ShapeError, "masks are [1, 16], expected [2, 16], a grid of 4x4 patches.");
  refuses(() => swin({ width: 5 }), ShapeError, "swin: width 5 is not a multiple of the head dimension 2.");
  refuses(() => swin({ embedWidth: 4 }), ShapeError, "swin: embedWidth is 4, expected at least the width, 6.");
  refuses(() => swin({ depths: [1, 1, 1] }), ConfigError, "swin: depths are [1, 1, 1], expected four numbers");
  refuses(() => swin({ depths: [1, 0, 1, 1] }), ConfigError, "swin: depths are [1, 0, 1, 1]");
  refuses(() => swin({ shifts: [[true]] }), ConfigError, "swin: shifts do not name each of the blocks, [2, 1, 4, 2].");
  refuses(() => swin({ patchScale: 3 }), ConfigError, "swin: patchScale is 3, expected a divisor of 8.");
  for (const network of [{ width: 3 }, { width: 0 }, { width: 8 }, { depth: 0 }, { depth: 5 }, { depth: [1] }]) {
    refuses(
      () => model.slice(network),
      ShapeError,
      "is not a part of 6x4; width is a multiple of the head dimension 2.",
    );
  }
});

test("a slice, and what is materialised of it, are the same function for any network and part", async () => {
  await initDouble();
  const sizes = fc.record({
    heads: fc.integer({ min: 1, max: 3 }),
    kept: fc.integer({ min: 1, max: 3 }),
    depths: fc.tuple(...[1, 1, 3, 1].map((least) => fc.integer({ min: least, max: least + 1 }))),
    depth: fc.integer({ min: 1, max: 3 }),
    windowSize: fc.integer({ min: 2, max: 5 }),
    shiftSmallMaps: fc.boolean(),
    qkvBias: fc.boolean(),
    image: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
  });
  fc.assert(
    fc.property(sizes, ({ heads, kept, depth, image: [height, width], ...options }) => {
      const model = swin({ ...options, headDim: 4, width: 4 * heads });
      const slice = model.slice({ width: 4 * Math.min(kept, heads), depth });
      const dense = slice.materialize();
      const images = image(2, 2 * height, 2 * width);
      sameOutputs(outputsOf(dense, images), outputsOf(slice, images), 1e-9);
      dense.dispose();
      model.dispose();
    }),
    { numRuns: 8, seed: 1 },
  );
});
