import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { FormatError, ShapeError } from "../../src/errors.js";
import type { Backbone } from "../../src/models/backbone.js";
import { buildEncoder, sliceEncoder, specOf } from "../../src/models/encoder.js";
import type { EncoderSpec } from "../../src/models/encoder-spec.js";
import { VisionTransformer, type VitOptions } from "../../src/models/vit.js";
import { withoutSliceScale } from "../../src/nn/slice-scale.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { numbers } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const normalisation = { imageSize: 16, mean: [0.5], std: [0.25] };

const vit = (options: Partial<VitOptions> = {}) =>
  new VisionTransformer({
    imageSize: 16,
    patchSize: 4,
    channels: 1,
    width: 12,
    depth: 3,
    headDim: 4,
    layerScale: 0.5,
    init: "fan_in",
    rng: new Rng(3),
    ...options,
  });

const saved = (model: VisionTransformer) =>
  new Map([...model.stateDict()].map(([name, x]) => [name, { shape: x.shape, data: x.toArray() }]));

test("a spec tells all that is needed to build the network", async () => {
  await init();
  const expected: EncoderSpec = {
    family: "vit",
    imageSize: 16,
    patchSize: 4,
    channels: 1,
    width: 12,
    depth: 3,
    headDim: 4,
    mlpRatio: 4,
    layerScale: true,
    qkvBias: true,
    projBias: true,
    ffnBias: true,
    mean: [0.5],
    std: [0.25],
  };
  assert.equal(specOf(vit(), normalisation), expected);
  const bare = vit({ layerScale: null, qkvBias: false, projBias: false, ffnBias: false, mlpRatio: 2, channels: 3 });
  assert.equal(specOf(bare, normalisation), {
    ...expected,
    ...{ layerScale: false, qkvBias: false, projBias: false, ffnBias: false, mlpRatio: 2, channels: 3 },
  });
});

test("an encoder built from a spec and a state gives the features of the original, frozen", async () => {
  await init();
  for (const options of [{}, { layerScale: null, qkvBias: false, mlpRatio: 2 }]) {
    const model = vit(options);
    const { backbone } = buildEncoder(JSON.parse(JSON.stringify(specOf(model, normalisation))), saved(model));
    const images = fromArray(numbers([2, 1, 16, 16], 1), [2, 1, 16, 16]);
    const features = (network: Backbone) => step(() => network.forward(images).classToken.toArray());
    assert.equal(features(backbone), features(model));
    assert.ok(backbone.parameters().every(({ tracked }) => !tracked));
  }
});

test("a part of an encoder is a view with its own spec", async () => {
  await init();
  const model = vit();
  const encoder = buildEncoder(specOf(model, normalisation), saved(model));
  const part = sliceEncoder(encoder, { width: 8, depth: 2 });
  assert.equal(part.spec, { ...encoder.spec, width: 8, depth: 2 });
  const norm = ({ backbone }: typeof part) => backbone.stateDict().get("norm.weight")!;
  assert.is(norm(part).storage, norm(encoder).storage);
  const dense = part.backbone.materialize();
  assert.equal(specOf(dense, normalisation), part.spec);
});

test("an encoder whose parts keep no scale is one again when it is built from its spec", async () => {
  await init();
  const model = withoutSliceScale(vit());
  const spec = JSON.parse(JSON.stringify(specOf(model, normalisation)));
  assert.is(spec.sliceScale, false);
  const images = fromArray(numbers([2, 1, 16, 16], 1), [2, 1, 16, 16]);
  const small = (backbone: Backbone) =>
    step(() => Array.from(backbone.slice({ width: 8, depth: 2 }).forward(images).classToken.toArray()));
  const again = buildEncoder(spec, saved(model));
  assert.equal(small(again.backbone), small(model));
  assert.not.equal(small(again.backbone), small(buildEncoder(specOf(vit(), normalisation), saved(model)).backbone));
  const part = sliceEncoder(again, { width: 8, depth: 2 });
  assert.equal(part.spec, { ...spec, width: 8, depth: 2 });
  const dense = part.backbone.materialize();
  assert.equal(
    step(() => Array.from(dense.forward(images).classToken.toArray())),
    small(model),
  );
});

test("weights of another size and families of another version are refused", async () => {
  await init();
  const spec = specOf(vit(), normalisation);
  refuses(
    () => buildEncoder({ ...spec, depth: 2 } as EncoderSpec, saved(vit())),
    ShapeError,
    "unexpected blocks.2.norm1.weight",
  );
  const other = { ...spec, family: "mlp" } as unknown as EncoderSpec;
  refuses(
    () => buildEncoder(other, new Map()),
    FormatError,
    'family "mlp" is unknown to this version; vit, swin and resnet are known.',
  );
});
