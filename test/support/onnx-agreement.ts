import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { encoderToOnnx, type OnnxOptions } from "../../src/export/onnx/model.js";
import { runOnnx } from "../../src/export/onnx/run.js";
import type { Encoder } from "../../src/models/encoder.js";
import { close } from "./close.js";
import { type OnnxFile, readOnnx } from "./onnx-file.js";
import { photos } from "./photos.js";

/**
 * Exports an encoder, reads the file strictly, lets onnxruntime-web compute class and patch features of photographs, and
 * compares them with the network's own.
 */
export async function expectAgreement(
  encoder: Encoder,
  options: OnnxOptions = {},
  { tolerance = 1e-4 } = {},
): Promise<OnnxFile> {
  const bytes = encoderToOnnx(encoder, { patchTokens: true, ...options });
  const file = readOnnx(bytes);
  const { imageSize = encoder.spec.imageSize, batch } = options;
  const images = await photos({ ...encoder.spec, imageSize });
  const outputs = await runOnnx(bytes, {
    data: images.toArray() as Float32Array,
    shape: images.shape,
    ...(typeof batch === "number" && { batch }),
  });
  assert.ok(outputs, "onnxruntime-web is not installed");
  const own = step(() => {
    const { classToken, patchTokens } = encoder.backbone.forward(images);
    return { embedding: classToken.toArray(), patch_tokens: patchTokens.toArray() };
  });
  images.dispose();
  assert.equal([...outputs!.keys()].sort(), [...file.outputs.keys()].sort());
  close(outputs!.get("embedding")!, own.embedding, tolerance, "feature");
  assert.ok(Math.max(...own.embedding) - Math.min(...own.embedding) > 0.1, "the features tell the images apart");
  const patches = outputs!.get("patch_tokens");
  if (patches) close(patches, own.patch_tokens, tolerance, "patch feature");
  return file;
}
