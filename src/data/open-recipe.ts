import { type ImageSource, subset } from "./dataset.js";
import { memoryCache } from "./memory-cache.js";
import type { SourceRecipe } from "./source-recipe.js";
import { openParsed } from "./source-spec.js";

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
