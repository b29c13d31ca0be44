import type { ImageSource } from "./dataset.js";
import { type DecodeOptions, decode } from "./decode.js";
import { printable } from "./printable.js";

/** How image files are decoded. */
export interface EncodedOptions extends Omit<DecodeOptions, "path"> {
  /** Told once per image about a name that says another format than the content. */
  readonly onNote?: (note: string) => void;
}

/** A source of image files, wherever their bytes are. */
export interface EncodedImages extends Omit<ImageSource, "read"> {
  /** The bytes of an image file; rejects with a DataError that starts with the image's path. */
  bytes(index: number): Promise<Uint8Array>;
}

/** The source whose images are decoded when they are read. */
export function encodedSource({ bytes, ...source }: EncodedImages, options: EncodedOptions): ImageSource {
  const { onNote, ...decoding } = options;
  const noted = new Set<number>();
  return {
    ...source,
    read: async (index) => {
      const { image, note } = await decode(await bytes(index), { ...decoding, path: printable(source.path(index)) });
      if (note !== null && !noted.has(index)) {
        noted.add(index);
        onNote?.(note);
      }
      return image;
    },
  };
}
