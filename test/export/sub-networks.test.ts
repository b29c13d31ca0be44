import { join } from "node:path";
import fc from "fast-check";
import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import type { Depth } from "../../src/elastic/space.js";
import { readEncoder, writeEncoder } from "../../src/export/encoder-file.js";
import { buildBackboneOf, type Encoder, sliceEncoder } from "../../src/models/encoder.js";
import type { EncoderSpec } from "../../src/models/encoder-spec.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { withNumbers } from "../models/backbone-suite.js";
import { numbers } from "../support/gradcheck.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();
const folder = tempFolder();
const contract = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };

/** A network and a part of it. */
interface Case {
  readonly spec: EncoderSpec;
  readonly part: { width: number; depth: Depth };
}

const upTo = (max: number) => fc.integer({ min: 1, max });
const flag = fc.boolean();

const vit: fc.Arbitrary<Case> = fc
  .record({ heads: upTo(4), headDim: fc.constantFrom(4, 6), depth: upTo(4), a: flag, b: flag, c: flag })
  .chain(({ heads, headDim, depth, a, b, c }) =>
    fc.record({ width: upTo(heads), kept: upTo(depth) }).map(({ width, kept }) => ({
      spec: {
        ...{ family: "vit", patchSize: 4, channels: 3, width: heads * headDim, depth, headDim, mlpRatio: 4 },
        ...{ layerScale: a, qkvBias: b, projBias: c, ffnBias: a, imageSize: 16, ...contract },
      } as EncoderSpec,
      part: { width: width * headDim, depth: kept },
    })),
  );

const swin: fc.Arbitrary<Case> = fc
  .record({
    heads: upTo(3),
    depths: fc.tuple(upTo(2), upTo(2), upTo(4), upTo(2)),
    window: fc.constantFrom(2, 3, 4),
    side: fc.constantFrom(16, 24, 32),
    bias: flag,
    small: flag,
  })
  .chain(({ heads, depths, window, side, bias, small }) =>
    fc.record({ width: upTo(heads), kept: upTo(depths[2]), spare: fc.integer({ min: 0, max: 3 }) }).map((drawn) => ({
      spec: {
        ...{ family: "swin", patchSize: 2, channels: 3, width: 4 * heads, embedWidth: 4 * heads + drawn.spare, depths },
        ...{ shifts: depths.map((n) => Array.from({ length: n }, (_, i) => i % 2 === 1)), headDim: 4 },
        ...{ windowSize: window, mlpRatio: 4, qkvBias: bias, shiftSmallMaps: small, patchScale: 2 },
        ...{ imageSize: side, ...contract },
      } as EncoderSpec,
      part: { width: 4 * drawn.width, depth: drawn.kept },
    })),
  );

const resnet: fc.Arbitrary<Case> = fc
  .record({
    groups: fc.constantFrom(1, 2),
    base: upTo(3),
    depths: fc.tuple(upTo(2), upTo(3), upTo(3), upTo(2)),
    strides: fc.constantFrom([1, 2, 2, 2], [1, 2, 1, 1]),
    norm: fc.constantFrom("group" as const, "batch" as const),
  })
  .chain(({ groups, base, depths, strides, norm }) =>
    fc.record({ width: upTo(2 * base), kept: fc.tuple(...depths.map(upTo)) }).map(({ width, kept }) => ({
      spec: {
        ...{ family: "resnet", channels: 3, stemChannels: 4, outChannels: 8 * base, width: 2 * base * groups, depths },
        ...{ strides, norm, groups: norm === "group" ? groups : 1, patchScale: 2, imageSize: 32, ...contract },
      } as EncoderSpec,
      part: { width: width * groups, depth: kept },
    })),
  );

function outputs({ backbone }: Encoder, side: number): number[] {
  const images = fromArray(numbers([2, 3, side, side], side), [2, 3, side, side]);
  return step(() => {
    const { classToken, patchTokens } = backbone.forward(images);
    return [...classToken.toArray(), ...patchTokens.toArray()];
  });
}

function largest(values: readonly number[]): number {
  return values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}

for (const [family, cases] of Object.entries({ vit, swin, resnet })) {
  test(`${family}: a slice, its copy, and the copy saved and read agree for random networks and parts`, () => {
    const path = join(folder, family);
    fc.assert(
      fc.property(cases, ({ spec, part }) => {
        const backbone = withNumbers(buildBackboneOf(spec)).requireGrad(false);
        const slice = sliceEncoder({ backbone, spec }, part);
        const copy = { backbone: slice.backbone.materialize(), spec: slice.spec };
        writeEncoder(path, copy);
        const read = readEncoder(path);
        assert.equal(read.spec, slice.spec);
        const [inPlace, dense, saved] = [slice, copy, read].map((encoder) => outputs(encoder, spec.imageSize));
        assert.equal(saved, dense);
        const difference = largest(inPlace.map((value, i) => value - dense[i]));
        assert.ok(difference <= 3e-5 * Math.max(1, largest(inPlace)), `${difference}`);
        for (const network of [backbone, copy.backbone, read.backbone]) network.dispose();
      }),
      { seed: 4, numRuns: 40 },
    );
  });
}
