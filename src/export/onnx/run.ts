import type * as Onnx from "onnxruntime-web";
import { IMAGES } from "./model.js";

/** Normalised images. */
export interface OnnxImages {
  /** [count, C, S, S], row by row. */
  readonly data: Float32Array;
  readonly shape: readonly number[];
  /** Images of a call; default all. The last call is filled up with the first images. */
  readonly batch?: number;
}

/**
 * What onnxruntime-web computes from a file, on one thread.
 *
 * @param file  the bytes of an ONNX file of `encoderToOnnx`
 * @returns each output [count, ...] by name; null if the package, an optional one, is not installed
 */
export async function runOnnx(file: Uint8Array, images: OnnxImages): Promise<Map<string, Float32Array> | null> {
  const onnx = await onnxRuntime();
  if (!onnx) return null;
  const session = await onnx.InferenceSession.create(file, { executionProviders: ["wasm"] });
  try {
    const [count, ...rest] = images.shape;
    const { data, batch = count } = images;
    const each = data.length / count;
    const outputs = new Map<string, Float32Array>();
    for (let first = 0; first < count; first += batch) {
      const input = new Float32Array(batch * each);
      for (let i = 0; i < batch; i++) input.set(imageAt(data, (first + i) % count, each), i * each);
      const results = await session.run({ [IMAGES]: new onnx.Tensor("float32", input, [batch, ...rest]) });
      for (const [name, { data: values }] of Object.entries(results)) {
        const rows = (values as Float32Array).subarray(0, (values.length / batch) * Math.min(batch, count - first));
        outputs.set(name, joined(outputs.get(name), rows));
      }
    }
    return outputs;
  } finally {
    await session.release();
  }
}

const imageAt = (data: Float32Array, i: number, each: number) => data.subarray(i * each, (i + 1) * each);

function joined(before: Float32Array | undefined, rows: Float32Array): Float32Array {
  const all = new Float32Array((before?.length ?? 0) + rows.length);
  if (before) all.set(before);
  all.set(rows, before?.length ?? 0);
  return all;
}

/** The package, if it is there. */
async function onnxRuntime(): Promise<typeof Onnx | null> {
  let onnx: typeof Onnx;
  try {
    onnx = await import("onnxruntime-web");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return null;
    throw error;
  }
  onnx.env.wasm.numThreads = 1;
  onnx.env.logLevel = "error";
  return onnx;
}
