import { MultiCrop } from "../../src/data/multi-crop.js";
import type { BatchMaker, ImageSample } from "../../src/train/crops.js";
import { plainCrop } from "./plain-crops.js";

/** The crops that a `BatchMaker` makes of a batch, in plain TypeScript, seed 0. */
export class PlainCrops {
  /** As the maker's `targets`. */
  readonly targets: readonly Float32Array[];
  private readonly crops: MultiCrop;

  constructor({ inputs, targets }: BatchMaker) {
    this.crops = new MultiCrop(inputs.options);
    this.targets = targets.map(({ numel }) => new Float32Array(numel));
  }

  write({ images, indices, pass }: ImageSample): void {
    const { crops, targets } = this;
    images.forEach((image, position) => {
      const key = { seed: 0, epoch: pass, sample: indices[position] };
      crops.policies.forEach(({ size }, crop) => {
        const part = crop < 2 ? 0 : 1;
        const row = (crop - 2 * part) * images.length + position;
        const values = plainCrop(image, crops.parameters(key, crop, image), size, crops.options);
        targets[part].set(values, row * values.length);
      });
    });
  }
}
