import type { EncoderSpec } from "../../models/encoder-spec.js";

/** An encoder that can be tried, and the files of it. Addresses are relative to the page. */
export interface ShowcaseNetwork {
  readonly name: string;
  readonly family: EncoderSpec["family"];
  /** Side in pixels at which it sees images. */
  readonly imageSize: number;
  readonly params: number;
  readonly macs: number;
  /** Its edge bundle. */
  readonly bundle: string;
  readonly bundleBytes: number;
  /** Its features of the bank, of unit length: safetensors with f32 `features` [N, F]. */
  readonly features: string;
  readonly featuresBytes: number;
  /** Share of test images whose neighbours vote for their class; null if that has not been measured. */
  readonly knn: number | null;
}

/** The images among which neighbours are sought. */
export interface ShowcaseBank {
  readonly count: number;
  /** Empty without labels. */
  readonly classes: readonly string[];
  /** Class of each image; null without labels. */
  readonly labels: readonly number[] | null;
  /** Where its small pictures are: `perSide`² squares of `side` pixels on each sheet, row by row. */
  readonly thumbnails: { readonly side: number; readonly perSide: number; readonly sheets: readonly string[] };
}

/** An image that the page offers. */
export interface ShowcaseSample {
  readonly file: string;
  /** Name of its class; null without labels. */
  readonly label: string | null;
}

/** Everything that the page knows of its files. */
export interface ShowcaseContent {
  /** The smallest first. */
  readonly networks: readonly ShowcaseNetwork[];
  readonly bank: ShowcaseBank;
  readonly samples: readonly ShowcaseSample[];
}

/** Name of the tensor in a file of features. */
export const FEATURES = "features";
/** Id of the element of the page that holds its content as JSON. */
export const CONTENT_ID = "content";
/** Neighbours that vote for a class, at most. */
export const VOTERS = 20;
