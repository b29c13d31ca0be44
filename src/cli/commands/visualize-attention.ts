import { attentionPicture } from "../../report/pictures/attention.js";
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
    const out = pictureFile(call);
    const [side, resolution] = [call.integer("tile", 16), call.integer("resolution", 1)];
    const shown = shownOf(await openImages("visualize attention", call), call);
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const images = await readImages(shown, call, output);
    savePicture(out, attentionPicture(encoder, images, { side, resolution }), output, {
      network,
      images: images.length,
    });
    return 0;
  },
};
