import * as assert from "uvu/assert";
import { noGrad, step } from "../../src/autograd/tape.js";
import type { Depth } from "../../src/elastic/space.js";
import type { Backbone } from "../../src/models/backbone.js";
import type { ChosenTokens, ForwardOptions } from "../../src/models/features.js";
import type { DropPath } from "../../src/nn/drop-path.js";
import type { Module } from "../../src/nn/module.js";
import { concatRows } from "../../src/ops/concat.js";
import { gatherRows } from "../../src/ops/gather.js";
import { contiguous } from "../../src/ops/layout.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { gradcheck, numbers } from "../support/gradcheck.js";
import { gradientOf } from "../support/gradient.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

/** What a family brings to the tests that every backbone must pass. */
export interface BackboneCase {
  /** Begins the names of the tests. */
  readonly family: string;
  /** A small network, its parameters of order one: see `withNumbers`. */
  readonly build: () => Backbone;
  /** A smaller one still, for proofs in double precision; default `build`. */
  readonly tiny?: () => Backbone;
  readonly channels: number;
  /** Side of square global crops in pixels, and of smaller and other ones. */
  readonly side: number;
  readonly otherSides: readonly number[];
  /** The side of crops for `tiny`: global, local; default the first ones above. */
  readonly tinySides?: readonly [number, number];
  /** Patches of one global crop, and of one of `tiny`. */
  readonly patches: number;
  readonly tinyPatches?: number;
  /** All of `build`. */
  readonly full: { width: number; depth: Depth };
  /** Parts of `build`, each smaller than the whole in width, in depth or in both. */
  readonly parts: readonly { width: number; depth: Depth }[];
  /** A part of `tiny`. */
  readonly tinyPart: { width: number; depth: Depth };
  /** Entries of each parameter that the derivative is probed at; default 5. */
  readonly samples?: number;
  /** Draws of stochastic depth for three images, anew for each pass; beside none, and one factor per image. */
  readonly dropPaths?: readonly (() => DropPath)[];
}

/** Writes seeded numbers of order one to every parameter, so that no part of a network is too small to be seen. */
export function withNumbers<M extends Module>(model: M): M {
  for (const [name, x] of model.namedParameters()) {
    x.name = name;
    const scale = x.shape.length > 1 ? 0.3 : 0.1;
    const center = /norm.*weight|gamma/.test(name) ? 1 : 0;
    x.write(numbers(x.shape, x.numel + name.length).map((value) => center + scale * value));
  }
  return model;
}

/** Seeded images [batch, channels, height, width]. */
export function seededImages(batch: number, channels: number, height: number, width = height): Tensor {
  const shape = [batch, channels, height, width];
  return fromArray(numbers(shape, height), shape);
}

/** All that a forward pass returns, as arrays: class token, patch tokens, tokens before the last norm. */
export function outputsOf(model: Backbone, images: Tensor, options: ForwardOptions = {}) {
  return step(() => {
    const { classToken, patchTokens, prenorm } = model.forward(images, options);
    return [classToken, patchTokens, prenorm].map((x) => x.toArray());
  });
}

/** Outputs that agree to rounding. */
export function sameOutputs(actual: ArrayLike<number>[], expected: ArrayLike<number>[], tolerance = 2e-5): void {
  for (const part of expected.keys()) close(actual[part], expected[part], tolerance, `part ${part}, entry`);
}

/** Gradients of all parameters after the backward pass of the tensors with seeded cotangents; they are cleared again. */
function gradientsOf(model: Module, tokens: () => readonly Tensor[]): Float64Array[] {
  step(() => {
    const rows = concatRows(tokens().map((x) => contiguous(x).reshape([-1, 1])));
    rows.backward(numbers(rows.shape, 5));
  });
  const all = model.parameters().map((x) => Float64Array.from(gradientOf(x)));
  for (const x of model.parameters()) x.storage.gradientPresent = false;
  return all;
}

/** Where in its storage the elements of a view lie. */
function places({ shape, strides, offset }: Tensor): number[] {
  return shape.reduce(
    (from, size, axis) => from.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[axis])),
    [offset],
  );
}

const mask = (batch: number, count: number, masked: (i: number) => boolean) =>
  fromArray(
    Int32Array.from({ length: batch * count }, (_, i) => (masked(i) ? 1 : 0)),
    [batch, count],
    "i32",
  );

/** Registers the tests that hold for every backbone. */
export function testBackbone(backbone: BackboneCase): void {
  testOutputs(backbone);
  testParts(backbone);
  testMasks(backbone);
  testChosen(backbone);
  testDerivative(backbone);
}

function testOutputs({ family, build, channels, side, patches }: BackboneCase): void {
  test(`${family}: features are [B, F] and [B, N, F]`, async () => {
    await init();
    const model = build();
    step(() => {
      const { classToken, patchTokens } = model.forward(seededImages(2, channels, side));
      assert.equal(classToken.shape, [2, model.featureDim]);
      assert.equal(patchTokens.shape, [2, patches, model.featureDim]);
      assert.equal(model.classToken(seededImages(3, channels, side)).shape, [3, model.featureDim]);
    });
  });

  test(`${family}: inference gives the numbers of training`, async () => {
    await init();
    const model = build();
    const images = seededImages(2, channels, side);
    const trained = outputsOf(model, images);
    assert.equal(
      noGrad(() => outputsOf(model, images)),
      trained,
    );
  });
}

function testParts({ family, build, channels, side, otherSides, full, parts }: BackboneCase): void {
  const images = () => [side, ...otherSides].map((pixels) => seededImages(2, channels, pixels));

  test(`${family}: a slice, and what is materialised of it, are the same function to rounding`, async () => {
    await init();
    const model = build();
    for (const network of parts) {
      const slice = model.slice(network);
      const dense = slice.materialize();
      assert.ok(dense.parameters().every(({ contiguous }) => contiguous));
      assert.is(dense.parameterCount, slice.parameterCount);
      assert.is(dense.multiplyAdds(side), slice.multiplyAdds(side));
      for (const x of images()) sameOutputs(outputsOf(dense, x), outputsOf(slice, x));
      const again = dense.materialize();
      assert.equal(outputsOf(again, images()[0]), outputsOf(dense, images()[0]), "materialised twice is once");
      dense.dispose();
      again.dispose();
    }
  });

  test(`${family}: a slice is made of views, and what is materialised of it is not`, async () => {
    await init();
    const model = build();
    const own = new Set(model.parameters().map(({ storage }) => storage));
    const names = model.namedParameters().map(([name]) => name);
    for (const network of parts) {
      const slice = model.slice(network);
      assert.ok(slice.parameters().every(({ storage }) => own.has(storage)));
      assert.ok(slice.namedParameters().every(([name]) => names.includes(name)));
      assert.ok(slice.parameterCount < model.parameterCount);
      assert.ok(slice.multiplyAdds(side) < model.multiplyAdds(side));
      const dense = slice.materialize();
      assert.ok(dense.parameters().every(({ storage, tracked }) => tracked && !own.has(storage)));
      dense.dispose();
    }
    assert.equal(
      model.namedParameters().map(([name]) => name),
      names,
      "the full network is untouched",
    );
  });

  test(`${family}: slicing to the full size changes no bit`, async () => {
    await init();
    const model = build();
    for (const x of images()) assert.equal(outputsOf(model.slice(full), x), outputsOf(model, x));
  });

  test(`${family}: gradients of a slice reach its own elements alone`, async () => {
    await init();
    const model = build();
    for (const network of parts) {
      const part = model.slice(network);
      const reached = new Map<unknown, Set<number>>();
      for (const x of part.parameters()) reached.set(x.storage, new Set(places(x)));
      const gradients = gradientsOf(model, () => Object.values(part.forward(seededImages(2, channels, side))));
      let some = 0;
      model.namedParameters().forEach(([name, x], which) => {
        const inside = reached.get(x.storage);
        gradients[which].forEach((value, i) => {
          if (inside?.has(i)) some += value === 0 ? 0 : 1;
          else assert.is(value, 0, `${name}[${i}] is outside the slice`);
        });
      });
      assert.ok(some > 0.5 * part.parameterCount, `${some} of ${part.parameterCount} gradients are not zero`);
    }
  });
}

function testMasks({ family, build, channels, side, patches, parts }: BackboneCase): void {
  const options = (masked: (i: number) => boolean) => ({ masks: mask(2, patches, masked) });

  test(`${family}: an image whose patches are all masked is not seen, and the one beside it is as it was`, async () => {
    await init();
    const model = build();
    const [clean, changed] = [seededImages(2, channels, side), seededImages(2, channels, side)];
    changed.write(changed.toArray().map((value, i) => (i < changed.numel / 2 ? 1 - value : value)));
    const first = options((i) => i < patches);
    assert.equal(outputsOf(model, changed, first), outputsOf(model, clean, first));
    const halves = (arrays: ArrayLike<number>[], half: 0 | 1) =>
      arrays.map((x) => Array.prototype.slice.call(x, (half * x.length) / 2, ((half + 1) * x.length) / 2));
    const [masked, whole] = [outputsOf(model, clean, first), outputsOf(model, clean)];
    assert.equal(halves(masked, 1), halves(whole, 1));
    assert.not.equal(halves(masked, 0)[0], halves(whole, 0)[0]);
    assert.equal(
      outputsOf(
        model,
        clean,
        options(() => false),
      ),
      whole,
    );
  });

  test(`${family}: the mask token has a gradient only where it was used`, async () => {
    await init();
    const model = build();
    const [name, token] = model.namedParameters().find(([name]) => name === "mask_token")!;
    const part = model.slice(parts[0]);
    const run = (masks: Tensor | null) =>
      step(() => {
        const { classToken } = part.forward(seededImages(2, channels, side), { masks });
        const y = contiguous(classToken);
        y.backward(numbers(y.shape, 1));
      });
    run(null);
    assert.ok(
      Array.prototype.every.call(gradientOf(token), (value) => value === 0),
      name,
    );
    run(options((i) => i === 1).masks);
    assert.ok(
      Array.prototype.some.call(gradientOf(token), (value) => value !== 0),
      name,
    );
  });
}

/** One factor for each of three images, of which one is dropped. */
const perImage = (): DropPath => () => ({ scale: Float32Array.of(1.25, 0, 0.5) });

function testChosen({ family, build, channels, side, patches, dropPaths = [] }: BackboneCase): void {
  const draws = [() => null, perImage, ...dropPaths];
  const images = () => seededImages(3, channels, side);
  const wanted = Int32Array.of(patches - 1, 0, 1, Math.floor(patches / 2), patches, 2 * patches + 1);
  const masks = () => mask(3, patches, (i) => i % 5 === 0);
  const choose = ({ classToken, patchTokens }: ChosenTokens) => [classToken, gatherRows(patchTokens, wanted)];

  test(`${family}: the class token alone has the bits and the gradients of the whole forward pass`, async () => {
    await init();
    const single = build();
    for (const draw of draws) {
      const alone = step(() => single.classToken(images(), { dropPath: draw() }).toArray());
      assert.equal(alone, outputsOf(single, images(), { dropPath: draw() })[0]);
    }
    await initDouble();
    const model = build();
    for (const draw of draws) {
      const whole = gradientsOf(model, () => [model.forward(images(), { dropPath: draw() }).classToken]);
      const alone = gradientsOf(model, () => [model.classToken(images(), { dropPath: draw() })]);
      for (const part of whole.keys()) close(alone[part], whole[part], 1e-12, `parameter ${part}, entry`);
    }
  });

  test(`${family}: recomputed blocks give the bits and the gradients of kept ones`, async () => {
    await init();
    const model = build();
    for (const draw of draws) {
      const outcome = (recompute: boolean) => {
        let values: ArrayLike<number> = [];
        const gradients = gradientsOf(model, () => {
          const { classToken, patchTokens } = model.forward(images(), { dropPath: draw(), masks: masks(), recompute });
          values = classToken.toArray();
          return [classToken, patchTokens];
        });
        return [values, ...gradients];
      };
      assert.equal(outcome(true), outcome(false));
    }
  });

  test(`${family}: chosen tokens have the bits and the gradients of the whole forward pass`, async () => {
    await init();
    const single = build();
    for (const draw of draws) {
      const compared = step(() => {
        const options = () => ({ dropPath: draw(), masks: masks() });
        const chosen = single.tokensAt(images(), wanted, options());
        const whole = choose(single.forward(images(), options()));
        return [chosen.classToken, chosen.patchTokens].map((x, i) => [x.toArray(), whole[i].toArray()]);
      });
      for (const [chosen, whole] of compared) assert.equal(chosen, whole);
    }
    await initDouble();
    const model = build();
    for (const draw of draws) {
      const whole = gradientsOf(model, () => choose(model.forward(images(), { dropPath: draw() })));
      const chosen = gradientsOf(model, () => Object.values(model.tokensAt(images(), wanted, { dropPath: draw() })));
      for (const part of whole.keys()) close(chosen[part], whole[part], 1e-12, `parameter ${part}, entry`);
    }
  });
}

function testDerivative(backbone: BackboneCase): void {
  const { family, build, tiny = build, channels, side, otherSides, tinyPart } = backbone;
  const { samples = 5, patches, tinyPatches = patches, tinySides = [side, otherSides[0]] } = backbone;

  test(`${family}: the whole network is the derivative of itself: full and sliced, masked and local, with stochastic depth`, async () => {
    await initDouble();
    const model = tiny();
    const [globals, locals] = tinySides.map((pixels) => seededImages(2, channels, pixels));
    globals.storage.tracked = true;
    const masks = mask(2, tinyPatches, (i) => i % 3 === 1);
    const dropPath = () => ({ scale: Float32Array.of(1.5, 0.5) });
    const fn = () => {
      const part = model.slice(tinyPart);
      const passes = [model.forward(globals, { masks }), part.forward(globals, { masks, dropPath })];
      const tokens = [...passes.flatMap((features) => Object.values(features)), part.forward(locals).classToken];
      return concatRows(tokens.map((x) => contiguous(x).reshape([-1, 1])));
    };
    gradcheck(fn, [globals, ...model.parameters()], { samples });
  });
}
