import { pcaPicture } from "../../report/pictures/pca.js";
import { init } from "../../runtime/context.js";
import type { Command } from "../command.js";
import { openModel } from "../model.js";
import {
  openImages,
  pictureFile,
  pictureOptions,
  readImages,
  resolutionOption,
  savePicture,
  shownOf,
} from "../pictures.js";

export const visualizePca: Command = {
  name: "visualize pca",
  summary: "show the principal components of patch features as colours, and the foreground that they separate",
  operands: ["MODEL"],
  more: "FILE",
  options: { ...pictureOptions, resolution: resolutionOption },
  examples: [
    "poa visualize pca runs/photos --images photos/ --out components.png",
    "poa visualize pca small.safetensors --images horse1.jpg horse2.jpg --resolution 448 --out components.png",
  ],
  async run(call, output) {
    const out = pictureFile(call);
    const [side, resolution] = [call.integer("tile", 16), call.integer("resolution", 1)];
    const shown = shownOf(await openImages("visualize pca", call), call);
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const images = await readImages(shown, call, output);
    savePicture(out, pcaPicture(encoder, images, { side, resolution }), output, { network, images: images.length });
    return 0;
  },
};
