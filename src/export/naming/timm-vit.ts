import { withoutChunk } from "../names.js";
import type { Naming } from "./naming.js";

/** The ViT of timm and DINOv2, whose names are ours; of the two only DINOv2 has a mask token. */
export const timmVit: Naming = {
  ours: withoutChunk,
  theirs: (name) => (name === "mask_token" ? undefined : name),
};
