import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import { scope, step } from "../../src/autograd/tape.js";
import type { RawImage } from "../../src/data/dataset.js";
import { EncoderTransform } from "../../src/data/encoder-transform.js";
import { imageArray } from "../../src/data/image-array.js";
import { loadEncoder } from "../../src/edge.js";
import { DataError, FormatError, MemoryError, ReleasedError, ShapeError } from "../../src/errors.js";
import { extractFeatures } from "../../src/eval/features.js";
import { encoderBundle } from "../../src/export/encoder-bundle.js";
import { attentionOf } from "../../src/models/attention-maps.js";
import type { Encoder } from "../../src/models/encoder.js";
import { attentionMaps } from "../../src/report/pictures/attention.js";
import { dispose, init, memory } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { close } from "../support/close.js";
import { bytesPerCall, keptBytesPerCall, leastOf } from "../support/garbage.js";
import { noiseImage } from "../support/image-bytes.js";
import { imageFixture, pixels } from "../support/image-fixtures.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();

const photo = await pixels(imageFixture("jpeg-odd/hopper.jpg"));
const images = [photo, noiseImage({ width: 16, height: 16 }), noiseImage({ width: 41, height: 23, seed: 2 })];
const encoder = tinyEncoder();
const bundle = encoderBundle(encoder);

/** What the library itself computes of images. */
async function expected(network: Encoder, list: readonly RawImage[], normalize = false): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  for (const image of list) {
    const { features } = await extractFeatures(imageArray([image]), network, { normalize });
    rows.push(features.toArray() as Float32Array);
    features.dispose();
  }
  return rows;
}

async function message(action: () => unknown, kind: new (text: string) => Error): Promise<string> {
  try {
    await action();
  } catch (error) {
    assert.instance(error, kind);
    return (error as Error).message;
  }
  throw new Error("was accepted");
}

test("the edge computes the features of the library, from f32 within 1e-6, from f16 within 1e-3 of their scale", async () => {
  for (const network of [encoder, tinySwin(), tinyResnet()]) {
    const own = await expected(network, images);
    const largest = Math.max(...own.flatMap((row) => [...row].map(Math.abs)));
    for (const [dtype, tolerance] of [
      ["f32", 1e-6],
      ["f16", 1e-3 * Math.max(1, largest)],
    ] as const) {
      const edge = await loadEncoder(encoderBundle(network, { dtype }));
      assert.equal(edge.spec, network.spec);
      assert.is(edge.featureDim, own[0].length);
      edge.embedBatch(images).forEach((row, i) => {
        close(row, own[i], tolerance, `image ${i}, ${dtype}`);
      });
      edge.dispose();
    }
  }
});

test("pixels come as ImageData or bytes, grey, RGB or RGBA, to the same feature", async () => {
  const edge = await loadEncoder(bundle);
  const [own] = await expected(encoder, [photo]);
  const { width, height, data } = photo;
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = data[3 * i + c];
    rgba[4 * i + 3] = i & 255; // alpha is left out
  }
  assert.equal([...edge.embed({ width, height, data: rgba })], [...own]);
  assert.equal([...edge.embed(rgba, width, height)], [...own]);
  assert.equal([...edge.embed(data, width, height)], [...own]);
  const grey = Uint8Array.from({ length: 64 }, (_, i) => 4 * i);
  const repeated = Uint8Array.from({ length: 192 }, (_, i) => 4 * Math.floor(i / 3));
  assert.equal([...edge.embed(grey, 8, 8)], [...edge.embed(repeated, 8, 8)]);
  edge.dispose();
});

test("a batch gives each image its own feature, whatever its size and place; features can have length 1", async () => {
  const edge = await loadEncoder(bundle, { unitLength: true });
  const own = await expected(encoder, images, true);
  const many = Array.from({ length: 10 }, (_, i) => images[i % 3]);
  const rows = edge.embedBatch(many);
  assert.is(rows.length, 10);
  rows.forEach((row, i) => {
    assert.equal([...row], [...own[i % 3]]);
  });
  assert.equal(edge.embedBatch([]), []);
  edge.dispose();
});

test("attention is that of the library over what the encoder sees, for every family", async () => {
  for (const network of [encoder, tinySwin(), tinyResnet()]) {
    const edge = await loadEncoder(encoderBundle(network));
    const { imageSize: side, ...door } = network.spec;
    const square = noiseImage({ width: side, height: side });
    assert.equal(edge.attention(square), attentionMaps(network, [square])[0]);
    const transform = new EncoderTransform({ imageSize: side, ...door });
    const slot = transform.allocate(1);
    transform.write([photo], slot);
    const [expectedMaps] = step(() => scope(() => attentionOf(network, slot)));
    assert.equal(edge.attention(photo), expectedMaps);
    for (const own of [slot, transform, edge]) own.dispose();
  }
});

test("after the first image no memory is taken, and at the end all of it is given back", async () => {
  const before = memory().persistentBytes;
  const edge = await loadEncoder(bundle);
  edge.embed(photo);
  const first = memory();
  for (let i = 0; i < 5; i++) edge.embed(photo);
  assert.equal(memory(), first);
  edge.dispose();
  assert.is(memory().persistentBytes, before);
});

test("one image after the other gives the features of the library, whatever came before", async () => {
  for (const network of [encoder, tinySwin(), tinyResnet()]) {
    const edge = await loadEncoder(encoderBundle(network), { unitLength: true });
    const own = await expected(network, images, true);
    const same = (i: number) => assert.equal([...edge.embed(images[i])], [...own[i]], `${network.spec.family} ${i}`);
    const small = noiseImage({ width: 41, height: 23, seed: 8 });
    const [ofSmall] = await expected(network, [small], true);
    for (const i of [2, 2, 2]) same(i);
    assert.equal([...edge.embed(small)], [...ofSmall], "the same way for other numbers");
    same(2);
    edge.embedBatch([images[0], images[1]]); // larger, so that buffers move
    same(2);
    edge.attention(images[0]);
    for (const i of [2, 0, 0, 1, 2]) same(i);
    step(() => {
      const held = fromArray([1, 2, 3], [3]);
      same(2);
      same(2);
      assert.equal([...held.toArray()], [1, 2, 3], "the memory of a step that is open");
    });
    step(() => void fromArray(new Float32Array(1 << 16).fill(5), [1 << 16]));
    same(2);
    edge.dispose();
  }
});

test("a feature is written where it is wanted, and that must have its length", async () => {
  const edge = await loadEncoder(bundle);
  const [own] = await expected(encoder, [photo]);
  const { width, height, data } = photo;
  const out = new Float32Array(edge.featureDim);
  for (const call of [() => edge.embed(photo, out), () => edge.embed(data, width, height, out)]) {
    out.fill(0);
    assert.is(call(), out);
    assert.equal([...out], [...own]);
  }
  step(() => assert.is(edge.embed(photo, out.fill(0)), out));
  assert.equal([...out], [...own]);
  assert.is.not(edge.embed(photo), edge.embed(photo), "without it every feature is an array of its own");
  assert.match(await message(() => edge.embed(photo, new Float32Array(3)), ShapeError), /out has 3 numbers, a feature/);
  edge.dispose();
  assert.match(await message(() => edge.embed(photo, out), ReleasedError), /has been disposed/);
});

test("images of one size make no object on the engine's heap, of every family, in f32 and in eight bits", async () => {
  const { width, height, data } = images[2];
  const rgba = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => i % 251);
  for (const network of [encoder, tinySwin(), tinyResnet()]) {
    for (const dtype of ["f32", "int8"] as const) {
      const edge = await loadEncoder(encoderBundle(network, { dtype }));
      const out = new Float32Array(edge.featureDim);
      const both = () => {
        edge.embed(data, width, height, out);
        edge.embed(rgba, width, height, out);
      };
      const made = leastOf(8, () => bytesPerCall(100, both));
      assert.ok(made < 8, `${network.spec.family} ${dtype}: ${made} bytes for two calls`);
      const kept = leastOf(8, () => keptBytesPerCall(100, both));
      assert.ok(kept < 8, `${network.spec.family} ${dtype}: ${kept} bytes of two calls are kept`);
      assert.ok(bytesPerCall(10, () => edge.embedBatch([images[2]])) > 1000, "the ordinary way is seen to make some");
      edge.dispose();
    }
  }
});

test("a bundle comes from a file, an address or bytes", async () => {
  const folder = tempFolder({ "encoder.poa": bundle });
  const path = join(folder, "encoder.poa");
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/encoder.poa" ? 200 : 404).end(bundle);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [own] = await expected(encoder, [photo]);
  const sources = [path, pathToFileURL(path), pathToFileURL(path).href, `${origin}/encoder.poa`, bundle];
  for (const source of [...sources, new URL(`${origin}/encoder.poa`), bundle.slice().buffer as ArrayBuffer]) {
    const edge = await loadEncoder(source);
    assert.equal([...edge.embed(photo)], [...own]);
    edge.dispose();
  }
  assert.match(await message(() => loadEncoder(`${origin}/other`), DataError), /other cannot be read: .*404/);
  assert.match(await message(() => loadEncoder(join(folder, "no.poa")), DataError), /no\.poa cannot be read: ENOENT/);
  server.close();
});

test("what is wrong is told in one sentence", async () => {
  const damaged = bundle.slice();
  damaged[200] ^= 1;
  assert.match(await message(() => loadEncoder(damaged), FormatError), /the bundle is damaged/);
  const newer = bundle.slice();
  newer[8] = 2;
  assert.match(await message(() => loadEncoder(newer), FormatError), /version 2, this poa reads version 1/);
  assert.match(await message(() => loadEncoder(new Uint8Array(5)), FormatError), /not an edge bundle/);
  const edge = await loadEncoder(bundle);
  assert.match(
    await message(() => edge.embed(new Uint8Array(10), 2, 2), DataError),
    /2 × 2 pixels comes with 10 bytes/,
  );
  assert.match(await message(() => edge.embed({ width: 0, height: 0, data: new Uint8Array(0) }), DataError), /0 × 0/);
  edge.dispose();
});

test("it starts the runtime itself where none is running, and says so where the host gives no memory", async () => {
  const [own] = await expected(encoder, [photo]);
  dispose();
  const edge = await loadEncoder(bundle, { memory: "32MiB" });
  assert.equal([...edge.embed(photo)], [...own]);
  dispose();
  const real = WebAssembly.Memory;
  const refusing = class {
    constructor() {
      throw new RangeError("could not allocate memory");
    }
  };
  WebAssembly.Memory = refusing as unknown as typeof WebAssembly.Memory;
  try {
    assert.match(
      await message(() => loadEncoder(bundle, { threads: 1 }), MemoryError),
      /the host refuses the first \d+ MiB .*could not allocate/,
    );
  } finally {
    WebAssembly.Memory = real;
  }
  await init();
});

test("on two threads features have the same bits, image after image", async () => {
  await init({ threads: 2 });
  const own = await expected(tinyEncoder(), images);
  const edge = await loadEncoder(bundle);
  for (const i of [2, 2, 1, 1, 0, 0]) assert.equal([...edge.embed(images[i])], [...own[i]]);
  edge.dispose();
});
