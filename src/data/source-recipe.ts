import type { PackedPlaceRecipe } from "./packed-source.js";
import type { ParsedOptions, SourceKind, SourceSpec } from "./source-spec.js";

/**
 * How to open a source once more, in another thread: data that can be sent there. Every wrapper of a source that a worker is to
 * read through has a kind here, and puts its recipe around that of the source within.
 */
export type SourceRecipe =
  | { readonly kind: "spec"; readonly spec: SourceSpec; readonly options: ParsedOptions }
  | { readonly kind: "subset"; readonly of: SourceRecipe; readonly indices: Int32Array; readonly name: string }
  | { readonly kind: "memory"; readonly of: SourceRecipe; readonly maxBytes: number }
  | { readonly kind: "packed"; readonly of: SourceRecipe; readonly place: PackedPlaceRecipe };

/** Kinds whose pixels are in memory as soon as they are open. */
const heldWhole: readonly SourceKind[] = ["cifar10", "cifar100", "idx", "mnist"];

/** Whether an image of the source is decoded when it is read. */
export function decodes(recipe: SourceRecipe): boolean {
  return recipe.kind === "spec" ? !heldWhole.includes(recipe.spec.kind) : decodes(recipe.of);
}
