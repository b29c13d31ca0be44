/** The page of a run, as a file and live; pictures of what encoders see and of what training sees. */

export type { AttentionMaps } from "./models/attention-maps.js";
export { Dashboard, type DashboardOptions } from "./report/dashboard.js";
export { type AttentionOptions, attentionMaps, attentionPicture } from "./report/pictures/attention.js";
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
export { type RunPageOptions, runPage } from "./report/run-page.js";
export { type PictureOptions, type PictureSubject, runPictures } from "./report/run-pictures.js";
export { RunRecord, type SkippedStep, type Timing } from "./report/run-record.js";
export type { PagePicture } from "./report/sections/pictures.js";
