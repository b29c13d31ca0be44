import { attentionPicture } from "../../report/pictures/attention.js";
import type { Command } from "../command.js";
import { drawImages, pictureOptions, resolutionOption } from "../pictures.js";

export const visualizeAttention: Command = {
  name: "visualize attention",
  summary: "show where a ViT looks in images, head by head; for Swin and ResNet what resembles the whole",
  operands: ["MODEL"],
  more: "FILE",
  options: { ...pictureOptions, resolution: resolutionOption },
  examples: [
    "poa visualize attention runs/photos --images photos/ --out attention.png",
    "poa visualize attention small.safetensors --images cat.jpg dog.jpg --resolution 448 --out attention.png",
  ],
  async run(call, output) {
    await drawImages("visualize attention", call, output, attentionPicture);
    return 0;
  },
};
