import type { RawImage } from "../../data/dataset.js";

/** A picture and what one sees in it. */
export interface Picture {
  /** RGB */
  readonly image: RawImage;
  /** Plain sentences. */
  readonly caption: string;
}
