import { type ImageSource, subset } from "./dataset.js";
import { memoryCache } from "./memory-cache.js";
import { openParsed, type ParsedOptions, type SourceSpec } from "./source-spec.js";

/**
 * How to open a source once more, in another thread: data that can be sent there. Every wrapper of a source that a worker is to
 * read through has a kind here, and puts its recipe around that of the source within.
 */
export type SourceRecipe =
  | { readonly kind: "spec"; readonly spec: SourceSpec; readonly options: ParsedOptions }
  | { readonly kind: "subset"; readonly of: SourceRecipe; readonly indices: Int32Array; readonly name: string }
  | { readonly kind: "memory"; readonly of: SourceRecipe; readonly maxBytes: number };

/**
 * Opens a source by its recipe.
 *
 * @param share  part of the memory it may keep that falls to this thread, in (0, 1]
 * @throws DataError as `openSource`
 */
export async function openRecipe(recipe: SourceRecipe, share: number): Promise<ImageSource> {
  switch (recipe.kind) {
    case "spec":
      return openParsed(recipe.spec, recipe.options);
    case "subset":
      return subset(await openRecipe(recipe.of, share), recipe.indices, recipe.name);
    case "memory":
      return memoryCache(await openRecipe(recipe.of, share), share * recipe.maxBytes);
  }
}
