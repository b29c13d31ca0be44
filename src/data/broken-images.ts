import { DataError } from "../errors.js";
import type { ImageSource } from "./dataset.js";

/** The images of a source that could not be read so far, each told once. */
export class BrokenImages {
  /** Reason by path. */
  readonly reasons = new Map<string, string>();
  private readonly source: Pick<ImageSource, "name" | "length" | "path">;
  private readonly onWarning: (message: string) => void;
  private readonly known = new Set<number>();

  /** @param onWarning  told about each */
  constructor(source: Pick<ImageSource, "name" | "length" | "path">, onWarning: (message: string) => void = () => {}) {
    this.source = source;
    this.onWarning = onWarning;
  }

  /** @throws DataError if none is left that could be read */
  add(index: number, reason: string): void {
    if (this.known.has(index)) return;
    const { source, known } = this;
    known.add(index);
    this.reasons.set(source.path(index), reason);
    if (known.size === source.length) {
      const [first] = this.reasons.values();
      throw new DataError(
        `batches: none of the ${source.length} images of ${source.name} can be read. The first: ${first}`,
      );
    }
    this.onWarning(`${reason} Left out.`);
  }
}
