import { step } from "../../src/autograd/tape.js";
import { type SwinOptions, SwinTransformer } from "../../src/models/swin.js";
import { relativePositionIndex } from "../../src/nn/relative-position.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { type GoldenCase, type GoldenTensor, ourNames } from "./case.js";
import { Comparison } from "./compare.js";
import { swinOf } from "./swin.js";

/**
 * A sub-network in place, our exact copy of it, and the file of the published tool, which is not exact: it cuts the patch
 * embedding, whose norm then sees fewer channels, and its reader lets shifts alternate: swin_extract_*.
 */
export function runSwinExtract(golden: GoldenCase): Comparison {
  const { config, tolerance } = golden.entry;
  const comparison = new Comparison();
  const inPlace = swinOf(golden).slice({ width: config.width, depth: config.s3_depth });
  const exact = inPlace.materialize();
  const extracted = publishedFile(exact);
  for (const [name, expected] of ourNames(golden.under("extracted."))) {
    const own = extracted.get(name);
    if (own) comparison.close(`extracted.${name}`, own.data, expected, { rtol: 2 ** -23 });
    else comparison.fail(`extracted.${name}`, "not in the extracted network");
  }
  const shape = { patchSize: config.patch_size, headDim: config.head_dim, windowSize: config.window_size };
  const build = (options: Pick<SwinOptions, "depths" | "shifts">) => {
    const network = new SwinTransformer({ ...shape, ...options, width: config.width, rng: new Rng(0) });
    network.loadStateDict(new Map([...extracted].filter(([name]) => !name.endsWith(INDEX))));
    return network;
  };
  const x = fromArray(golden.get("in.x").data, golden.get("in.x").shape);
  for (const [name, network] of [
    ["inplace", inPlace],
    ["extracted_original_shift_full_patch_embed", exact],
    ["extracted_original_shift", build({ depths: exact.depths, shifts: exact.shifts })],
    ["extracted_alternating_shift", build({ depths: exact.depths })],
  ] as const) {
    const feature = step(() => network.classToken(x).toArray());
    comparison.close(name, feature, golden.get(`out.${name}.x_norm_clstoken`), tolerance!.out);
  }
  return comparison;
}

const INDEX = ".relative_position_index";

/** The tensors of the published tool's file, under our names: the patch embedding cut, the offsets of each window beside. */
function publishedFile(exact: SwinTransformer): Map<string, GoldenTensor> {
  const { width, windowSize } = exact;
  const tensors = new Map<string, GoldenTensor>();
  for (const [name, x] of exact.stateDict()) {
    const cut = name.startsWith("patch_embed.") ? x.narrow(0, 0, width) : x;
    tensors.set(name, { shape: cut.shape, data: Float64Array.from(cut.toArray()) });
    if (!name.endsWith(".relative_position_bias_table")) continue;
    const index = {
      shape: [windowSize ** 2, windowSize ** 2],
      data: Float64Array.from(relativePositionIndex(windowSize)),
    };
    tensors.set(name.replace(/\.relative_position_bias_table$/, INDEX), index);
  }
  return tensors;
}
