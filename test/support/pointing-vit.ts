import { type Encoder, specOf } from "../../src/models/encoder.js";
import { VisionTransformer } from "../../src/models/vit.js";
import { Rng } from "../../src/tensor/random.js";

/** Length of what the tokens are made of. */
const LENGTH = 4;
const [CLASS, FIRST, SECOND, OTHER] = [0, 1, 2, 3];

/** Frozen, with every parameter zero except the scales of norms; images of 16 pixels, 4 × 4 patches, width 8, 2 heads. */
export function emptyVit(): VisionTransformer {
  const vit = new VisionTransformer({ imageSize: 16, patchSize: 4, width: 8, depth: 1, headDim: 4, rng: new Rng(0) });
  for (const [name, x] of vit.namedTensors()) x.write(new Array(x.numel).fill(/norm\d?\.weight$/.test(name) ? 1 : 0));
  vit.requireGrad(false);
  return vit;
}

/** As an encoder; pixels 0 … 255 become −1 … 1. */
export function asEncoder(backbone: VisionTransformer): Encoder {
  return { backbone, spec: specOf(backbone, { imageSize: 16, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }) };
}

/** Whatever the image, the class token of the first head attends to patch `first` alone, that of the second to `second`. */
export function pointingVit(first: number, second: number): Encoder {
  const vit = emptyVit();
  const { width } = vit;
  const along = (axis: number, length: number) => Array.from({ length: width }, (_, c) => (c === axis ? length : 0));
  vit.cls_token.write(along(CLASS, LENGTH));
  const kindOf = (patch: number) => (patch === first ? FIRST : patch === second ? SECOND : OTHER);
  const patches = Array.from({ length: 16 }, (_, patch) => along(kindOf(patch), LENGTH));
  vit.pos_embed.write([...along(CLASS, 0), ...patches.flat()]);
  const { qkv, headDim } = vit.blocks[0].attn;
  const rows = Array.from({ length: 3 * width }, () => along(0, 0));
  [FIRST, SECOND].forEach((wanted, head) => {
    rows[head * headDim] = along(CLASS, 3); //             the query of the class token is large
    rows[width + head * headDim] = along(wanted, 3); //    and so is the key of the wanted patch
  });
  qkv.weight.write(rows.flat());
  return asEncoder(vit);
}
