import { pcaPicture } from "../../report/pictures/pca.js";
import type { Command } from "../command.js";
import { drawImages, pictureOptions, resolutionOption } from "../pictures.js";

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
    await drawImages("visualize pca", call, output, pcaPicture);
    return 0;
  },
};
