import type { AttentionMaps } from "../../../edge/encoder.js";
import type { EdgeImage } from "../../../edge/pixels.js";
import type { ShowcaseContent } from "../content.js";

/** The first message to the worker. */
export interface Start {
  readonly content: ShowcaseContent;
  /** Address that those of the content are relative to. */
  readonly base: string;
}

/** What the worker can do with network number `network`. */
export type Task =
  | { readonly kind: "look"; readonly network: number; readonly image: EdgeImage }
  | { readonly kind: "measure"; readonly network: number };

/** A task with a number by which its answer is known. */
export type Request = Task & { readonly id: number };

/** A part of an image, in its pixels; its corner may lie between two. */
export interface SeenSquare {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

/** What a network makes of an image. */
export interface Looked {
  /** Images of the bank, the most similar first. */
  readonly neighbors: readonly { readonly index: number; readonly similarity: number }[];
  /** Share of the neighbours' vote that each class has; null without labels. */
  readonly votes: readonly number[] | null;
  /** The part of the image that the network sees, and where it looks in it. */
  readonly seen: SeenSquare;
  readonly attention: AttentionMaps;
}

/** What comes back for a request: one of its results, or why there is none. */
export type Answer = { readonly id: number } & (
  | { readonly looked: Looked }
  /** Milliseconds for the feature of an image, each over as many calls as the clock needs. */
  | { readonly timings: readonly number[] }
  | { readonly error: string }
);
