import type { EncoderSpec } from "../../models/encoder-spec.js";

/** Of which network maps are. */
export interface CaptionedNetwork {
  readonly family: EncoderSpec["family"];
  readonly name: string;
}

/**
 * What attention maps show, in words.
 *
 * @param grid  patches per side
 * @param heads  number of maps
 */
export function attentionCaption({ family, name }: CaptionedNetwork, grid: number, heads: number): string {
  const scale = "Each map reaches from its least value (violet) to its greatest (yellow).";
  const where = `${grid} × ${grid}`;
  if (family === "vit") {
    const list = heads === 1 ? "its one head" : `the mean of its ${heads} heads, then each head`;
    return `Attention of the class token to ${where} patches in the last block of ${name}: ${list}. ${scale}`;
  }
  return (
    `A ${family === "swin" ? "Swin" : "ResNet"} has no class token that attends. Shown instead for ${name}: the cosine ` +
    `similarity of each of the ${where} cells of the last map with the feature of the whole image. ${scale}`
  );
}
