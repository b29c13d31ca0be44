import type { Value } from "./graph.js";

/** What the graph of a backbone is for. */
export interface GraphOptions {
  /** Side of its square images in pixels. */
  readonly side: number;
  /** Whether features of patches are wanted too. */
  readonly patchTokens: boolean;
}

/** What the graph of a backbone returns. */
export interface GraphFeatures {
  /** [B, F] */
  readonly embedding: Value;
  /** [B, N, F]; null if they are not wanted. */
  readonly patchTokens: Value | null;
  /** Patches of an image, N. */
  readonly patches: number;
}
