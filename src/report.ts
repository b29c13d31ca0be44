/** Pictures of what encoders see and of what training sees. */

export {
  type AttentionMaps,
  type AttentionOptions,
  attentionMaps,
  attentionPicture,
} from "./report/pictures/attention.js";
export { contactSheet } from "./report/pictures/contact-sheet.js";
export { type DrawnImage, type DrawOptions, drawCrops, type GlobalCrop } from "./report/pictures/drawn-crops.js";
export {
  type FeaturedImages,
  type FoundNeighbors,
  findNeighbors,
  type NeighborOptions,
  neighborsPicture,
} from "./report/pictures/neighbors.js";
export { type PatchComponents, type PcaOptions, patchComponents, pcaPicture } from "./report/pictures/pca.js";
export type { Picture } from "./report/pictures/picture.js";
