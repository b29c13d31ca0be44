import { openSource } from "../../data/source-spec.js";
import { extractFeatures } from "../../eval/features.js";
import { neighborsPicture } from "../../report/pictures/neighbors.js";
import { init } from "../../runtime/context.js";
import type { Command } from "../command.js";
import { extractionOptions } from "../labelled-data.js";
import { openModel } from "../model.js";
import { openImages, pictureFile, pictureOptions, savePicture, shownOf } from "../pictures.js";

export const visualizeNeighbors: Command = {
  name: "visualize neighbors",
  summary: "show images with those whose features are nearest, and with labels which of them are right",
  operands: ["MODEL"],
  more: "FILE",
  options: {
    ...pictureOptions,
    bank: { value: "SPEC", about: "images among which neighbours are sought (default those of --images)" },
    k: { value: "N", about: "neighbours of each image", fallback: "7" },
  },
  examples: [
    "poa visualize neighbors runs/photos --images photos/ --out neighbors.png",
    "poa visualize neighbors runs/digits --images mnist#test --bank mnist#train --out neighbors.png --count 10",
  ],
  async run(call, output) {
    const out = pictureFile(call);
    const [side, k] = [call.integer("tile", 16), call.integer("k", 1)];
    const all = await openImages("visualize neighbors", call);
    const bankSpec = call.text("bank");
    const bank = bankSpec === undefined ? all : await openSource(bankSpec);
    const shown = shownOf(all, call);
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const found = await extractFeatures(bank, encoder, extractionOptions(call, output, "bank"));
    const inBank = { source: bank, features: found };
    const queries =
      bank === all
        ? inBank
        : {
            source: shown,
            features: await extractFeatures(shown, encoder, extractionOptions(call, output, "queries")),
          };
    const picture = await neighborsPicture(queries, inBank, { side, k, count: shown.length });
    savePicture(out, picture, output, {
      network,
      images: Math.min(shown.length, queries.features.indices.length),
      bank: found.indices.length,
    });
    return 0;
  },
};
