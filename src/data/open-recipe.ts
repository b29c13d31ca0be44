import { type ImageSource, subset } from "./dataset.js";
import { memoryCache } from "./memory-cache.js";
import { type DecodedImage, packedSource } from "./packed-source.js";
import type { SourceRecipe } from "./source-recipe.js";
import { openParsed } from "./source-spec.js";

/**
 * Opens a source by its recipe.
 *
 * @param share  part of the memory it may keep that falls to this thread, in (0, 1]
 * @param onDecoded  told about images that are not packed where the recipe says, and are wanted there
 * @throws DataError as `openSource`
 */
export async function openRecipe(
  recipe: SourceRecipe,
  share: number,
  onDecoded: (decoded: DecodedImage) => void = () => {},
): Promise<ImageSource> {
  switch (recipe.kind) {
    case "spec":
      return openParsed(recipe.spec, recipe.options);
    case "subset":
      return subset(await openRecipe(recipe.of, share), recipe.indices, recipe.name);
    case "memory":
      return memoryCache(await openRecipe(recipe.of, share), share * recipe.maxBytes);
    case "packed":
      return packedSource(await openRecipe(recipe.of, share), recipe.place, onDecoded);
  }
}
