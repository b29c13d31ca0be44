import * as assert from "uvu/assert";
import { noGrad, step } from "../../src/autograd/tape.js";
import { ConfigError, ShapeError } from "../../src/errors.js";
import { ResNet, type ResNetOptions } from "../../src/models/resnet.js";
import { init } from "../../src/runtime/context.js";
import { fromArray, shapesOnly } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { FORCED_MEMORY, forcedThreads } from "../support/forced-threads.js";
import { gradientOf } from "../support/gradient.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";
import { outputsOf, sameOutputs, seededImages, testBackbone, withNumbers } from "./backbone-suite.js";

const options: ResNetOptions = {
  channels: 2,
  stemChannels: 4,
  outChannels: 8,
  width: 4,
  depths: [1, 2, 3, 1],
  strides: [1, 2, 2, 1],
  norm: "group",
  groups: 2,
  patchScale: 2,
  rng: new Rng(1),
};

const resnet = (changes: Partial<ResNetOptions> = {}) => withNumbers(new ResNet({ ...options, ...changes }));

testBackbone({
  family: "resnet",
  build: () => resnet(),
  tiny: () =>
    resnet({ stemChannels: 2, outChannels: 2, width: 2, groups: 1, depths: [1, 2, 1, 1], strides: [1, 2, 1, 1] }),
  channels: 2,
  side: 32,
  otherSides: [16, 48],
  tinySides: [16, 16],
  patches: 16,
  tinyPatches: 16,
  full: { width: 4, depth: [1, 2, 3, 1] },
  parts: [
    { width: 2, depth: [1, 1, 1, 1] },
    { width: 4, depth: [1, 2, 2, 1] },
    { width: 2, depth: [1, 2, 3, 1] },
  ],
  tinyPart: { width: 1, depth: [1, 1, 1, 1] },
});

/** The published networks, whose shapes are enough to count. */
const official = (changes: Partial<ResNetOptions> = {}) =>
  shapesOnly(
    () =>
      new ResNet({
        stemChannels: 64,
        outChannels: 256,
        width: 128,
        depths: [3, 8, 36, 3],
        strides: [1, 2, 2, 2],
        norm: "group",
        groups: 32,
        patchScale: 2,
        rng: new Rng(0),
        ...changes,
      }),
  );

const millions = (model: ResNet) => Math.round((model.parameterCount - model.mask_token.numel) / 1e5) / 10;

test("resnet: parameters carry the names of a checkpoint, in its order", async () => {
  await init();
  const names = resnet().namedParameters();
  const own = names.map(([name]) => name);
  assert.equal(own.slice(0, 4), ["mask_token", "conv1.weight", "norm1.weight", "norm1.bias"]);
  assert.equal(
    own.filter((name) => name.startsWith("layer1.")).map((name) => name.replace("layer1.layers.0.", "")),
    [
      ...["conv1.weight", "norm1.weight", "norm1.bias", "conv2.weight", "norm2.weight", "norm2.bias"],
      ...["conv3.weight", "norm3.weight", "norm3.bias"],
      ...["downsample.0.weight", "downsample.1.weight", "downsample.1.bias"],
    ],
  );
  assert.equal(Object.fromEntries(names)["layer3.layers.2.conv2.weight"].shape, [16, 16, 3, 3]);
});

test("resnet: the sizes are the published ones, and what is in torchvision has its sizes", () => {
  const full = official();
  assert.is(millions(full), 172.6);
  const sizes = { 64: [23.5, 42.5, 58.1], 96: [undefined, undefined, 108] };
  for (const [width, expected] of Object.entries(sizes)) {
    [
      [3, 4, 6, 3],
      [3, 4, 23, 3],
      [3, 8, 36, 3],
    ].forEach((depth, i) => {
      if (expected[i]) assert.is(millions(full.slice({ width: Number(width), depth })), expected[i]);
    });
  }
  const batch = { norm: "batch", width: 64, depths: [3, 4, 6, 3] } as const;
  assert.is(official(batch).parameterCount, 25_557_032 - 2_049_000 + 64); // with the mask token, without the classifier
  const basic = { norm: "batch", width: 64, outChannels: 64, depths: [2, 2, 2, 2], block: "basic" } as const;
  assert.is(official(basic).parameterCount, 11_689_512 - 513_000 + 64);
  assert.is(Math.round(official(batch).multiplyAdds(224) / 1e6), 4087);
});

test("resnet: what narrower networks share keeps its width", () => {
  const part = official().slice({ width: 64, depth: [3, 4, 6, 3] });
  assert.is(part.featureDim, 2048);
  assert.equal(part.depths, [3, 4, 6, 3]);
  assert.is(part.width, 64);
  const { conv1, conv2, conv3 } = part.layer2.layers[1] as unknown as Record<string, { inputScale: number }>;
  assert.equal([conv1.inputScale, conv2.inputScale, conv3.inputScale], [1, 2, 2]);
});

test("resnet: patches repeat the pixels of the last map, which at scale 1 are the patches", async () => {
  await init();
  const x = seededImages(2, 2, 32);
  const [, twice, map] = outputsOf(resnet(), x);
  const [, once] = outputsOf(resnet({ patchScale: 1 }), x);
  assert.equal(once, map);
  const pixel = (at: ArrayLike<number>, i: number) => Array.prototype.slice.call(at, 64 * i, 64 * (i + 1));
  for (let image = 0; image < 2; image++) {
    [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3].forEach((from, patch) => {
      assert.equal(pixel(twice, 16 * image + patch), pixel(map, 4 * image + from), `patch ${patch} of image ${image}`);
    });
  }
});

test("resnet: the maps of the stages end with what the class feature is taken from", async () => {
  await init();
  const model = resnet();
  const x = seededImages(2, 2, 32);
  const stages = step(() => model.intermediate(x, [0, 1, 2, 3]).map(({ patchTokens }) => patchTokens.shape));
  assert.equal(stages, [
    [2, 64, 8],
    [2, 16, 16],
    [2, 4, 32],
    [2, 4, 64],
  ]);
  const [last] = step(() => model.intermediate(x, [3]).map(({ classToken }) => classToken.toArray()));
  assert.equal(last, outputsOf(model, x)[0]);
});

test("resnet: basic blocks and batches that are normalised pass slices and copies on alike", async () => {
  await init();
  for (const changes of [{ block: "basic" }, { norm: "batch" }, { block: "basic", norm: "batch" }] as const) {
    const model = resnet(changes).requireGrad(false);
    const part = model.slice({ width: 2, depth: [1, 1, 2, 1] });
    const x = seededImages(2, 2, 32);
    sameOutputs(outputsOf(part.materialize(), x), outputsOf(part, x));
    assert.not.equal(outputsOf(part, x)[0], outputsOf(model, x)[0]);
  }
});

test("resnet: batches count while they are trained, not in a frozen network and not without gradients", async () => {
  await init();
  const model = resnet({ norm: "batch" });
  const { running_mean: mean, num_batches_tracked: batches } = model.norm1 as unknown as Record<
    string,
    ReturnType<typeof fromArray>
  >;
  const x = seededImages(2, 2, 32);
  const run = () => step(() => model.classToken(x).toArray());
  noGrad(run);
  model.requireGrad(false);
  const frozen = run();
  assert.equal([batches.item(), ...mean.toArray()], [0, 0, 0, 0, 0]);
  model.requireGrad(true);
  const trained = run();
  assert.not.equal(trained, frozen);
  assert.is(batches.item(), 1);
  assert.ok(mean.toArray().every((value) => value !== 0));
  assert.ok(model.namedParameters().every(([name]) => !name.includes("running")));
  assert.equal(
    [...model.stateDict().keys()].slice(2, 7),
    ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"].map((name) => `norm1.${name}`),
  );
});

test("resnet: a mask may cover crops whose maps do not divide evenly; what lies outside is cut off", async () => {
  await init();
  const model = resnet();
  const count = 8 * 8; // 52 pixels: 13 after the stem, 4 in the last map, so patches of 2 x 2 cover 16
  const x = seededImages(1, 2, 52);
  const masking = (patch: number) => {
    const values = Int32Array.from({ length: count }, (_, i) => Number(i === patch));
    return outputsOf(model, x, { masks: fromArray(values, [1, count], "i32") })[0];
  };
  assert.not.equal(masking(54), outputsOf(model, x)[0]); // row and column 12 of 12 and 13
  assert.equal(masking(63), outputsOf(model, x)[0]);
});

test("resnet: weights start uniform within 1/√fan_in or normal, norms at 1 and 0", async () => {
  await init();
  const large = { stemChannels: 16, outChannels: 64, width: 16, rng: new Rng(3) };
  for (const init of ["official", "fan_in"] as const) {
    const state = new ResNet({ ...options, ...large, init }).stateDict();
    const weight = Float64Array.from(state.get("layer2.layers.1.conv2.weight")!.toArray());
    const variance = weight.reduce((sum, w) => sum + w * w, 0) / weight.length;
    const fanIn = 32 * 9;
    assert.ok(Math.abs(variance * fanIn * (init === "official" ? 3 : 1) - 1) < 0.05, `variance ${variance}`);
    const bound = init === "official" ? 1 / Math.sqrt(fanIn) : 2;
    assert.ok(weight.every((w) => Math.abs(w) <= bound));
    assert.ok(Array.prototype.every.call(state.get("layer1.layers.0.norm3.weight")!.toArray(), (w) => w === 1));
    assert.ok(Array.prototype.every.call(state.get("mask_token")!.toArray(), (w) => w === 0));
  }
});

/** Every number of a network after a forward and a backward pass, and its gradients. */
function trained(norm: "group" | "batch", recompute = false) {
  const model = resnet({ norm });
  step(() => {
    const y = model.classToken(seededImages(2, 2, 32), { recompute });
    y.backward(Float64Array.from({ length: y.numel }, (_, i) => Math.sin(i)));
  });
  const state = [...model.stateDict()].map(([name, x]) => [name, x.toArray()]);
  return [state, model.parameters().map((x) => Array.from(gradientOf(x)))];
}

test("resnet: no bit depends on the number of threads", async () => {
  await init({ memory: FORCED_MEMORY });
  const expected = (["group", "batch"] as const).map((norm) => trained(norm));
  const { pool, ...divided } = await forcedThreads(3);
  try {
    await init({ kernels: divided, memory: FORCED_MEMORY });
    const actual = (["group", "batch"] as const).map((norm) => trained(norm));
    assert.equal(actual, expected);
  } finally {
    pool.dispose();
  }
});

test("resnet: recomputed blocks have the bits of kept ones, and batches are counted once", async () => {
  await init();
  for (const norm of ["group", "batch"] as const) {
    assert.equal(trained(norm, true), trained(norm), norm);
  }
});

test("resnet: gradients arrive at every parameter of a masked pass", async () => {
  await init();
  const model = resnet();
  const masks = fromArray(
    Int32Array.from({ length: 64 }, (_, i) => i % 2),
    [1, 64],
    "i32",
  );
  step(() => {
    const y = model.classToken(seededImages(1, 2, 64), { masks });
    y.backward(Float64Array.from({ length: y.numel }, (_, i) => Math.sin(i)));
  });
  for (const [name, x] of model.namedParameters())
    assert.ok(
      Array.prototype.some.call(gradientOf(x), (g: number) => g !== 0),
      name,
    );
});

test("resnet: what does not fit is refused", async () => {
  await init();
  refuses(() => resnet({ depths: [1, 2, 3] }), ConfigError, "expected four stages");
  const model = resnet();
  refuses(() => model.slice({ width: 3 }), ShapeError, "resnet.slice: 3x[1,2,3,1] is not a part of 4x[1,2,3,1]");
  refuses(() => model.slice({ width: 8 }), ShapeError, "is not a part of");
  refuses(() => model.slice({ depth: [1, 0, 3, 1] }), ShapeError, "is not a part of");
  refuses(() => model.slice({ depth: 3 }), ShapeError, "is not a part of");
  const x = seededImages(1, 2, 64);
  refuses(() => step(() => model.forward(x.select(0, 0))), ShapeError, "resnet: images are [2, 64, 64]");
  const masks = fromArray(new Int32Array(16), [1, 16], "i32");
  refuses(
    () => step(() => model.forward(x, { masks })),
    ShapeError,
    "masks are [1, 16], expected [1, 64], a grid of 8x8 patches.",
  );
  refuses(() => resnet({ patchScale: 8 }), ConfigError, "expected a divisor of 4");
});
