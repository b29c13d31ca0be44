import { openSource } from "../../data/source-spec.js";
import { contactSheet } from "../../report/pictures/contact-sheet.js";
import { init } from "../../runtime/context.js";
import type { Command } from "../command.js";
import { recipeOption, recipeSeedOption } from "../common-options.js";
import { loadConfig } from "../config-file.js";
import { pictureFile, pictureOptions, savePicture } from "../pictures.js";
import { seedOverride } from "../seed.js";

export const preview: Command = {
  name: "preview",
  summary: "show the crops and masks that training makes of images, as one picture",
  overrides: true,
  options: {
    config: recipeOption,
    data: { value: "SPEC", about: "training images, as for pretrain" },
    out: pictureOptions.out,
    images: { value: "N", about: "images shown", fallback: "8" },
    iteration: { value: "N", about: "training step whose batch is shown", fallback: "0" },
    seed: recipeSeedOption,
  },
  examples: [
    "poa preview --config vit-tiny --data photos/ --out crops.png",
    "poa preview --config cifar-tiny --data cifar10:DIR --out crops.png --images 4 crops.local_crops_number=8",
  ],
  async run(call, output) {
    const { config, notes } = await loadConfig(call.required("config"), [...call.overrides, ...seedOverride(call)]);
    for (const note of notes) output.note(note);
    const out = pictureFile(call);
    const [images, iteration] = [call.integer("images", 1), call.integer("iteration")];
    const source = await openSource(call.required("data"), { split: "train" });
    await init({ threads: call.threads, simd: call.simd });
    const onWarning = (message: string) => output.warn(message);
    savePicture(out, await contactSheet(config, source, { images, iteration, onWarning }), output, { iteration });
    return 0;
  },
};
