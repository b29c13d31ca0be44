import { join } from "node:path";
import { sizeOfNetwork } from "../../models/size.js";
import { buildBackbone } from "../../poa/build.js";
import { searchSpace } from "../../poa/plan.js";
import { shapesOnly } from "../../tensor/create.js";
import { Rng } from "../../tensor/random.js";
import type { Command } from "../command.js";
import { loadConfig } from "../config-file.js";
import { isRun } from "../model.js";
import { formatTable } from "../output.js";

export const subnetsList: Command = {
  name: "subnets list",
  summary: "every network of a search space with its size and how often it is drawn",
  operands: ["CONFIG|RUN"],
  overrides: true,
  options: {},
  examples: ["poa subnets list vit_ee1200", "poa subnets list runs/digits --json"],
  async run(call, output) {
    const [given] = call.operands;
    const { config } = await loadConfig(isRun(given) ? join(given, "config.yaml") : given, call.overrides);
    const backbone = shapesOnly(() => buildBackbone(config, new Rng(0)));
    const space = searchSpace(config);
    const networks = space.distinct().map((network) => ({
      name: network.name,
      width: network.width,
      depth: network.depth,
      ...sizeOfNetwork(backbone.slice(network), config.crops.global_crops_size),
      draws: network.draws,
      names: space.namesOf(network),
    }));
    for (const network of networks) output.event("network", network);
    const full = networks[networks.length - 1];
    const { draws: _, ...result } = full;
    const rows = networks.map(({ name, params, macs, draws, names }) =>
      [name, params, macs, draws, names.join(", ")].map(String),
    );
    output.result(
      { ...result, count: networks.length, listLength: space.length },
      formatTable([["network", "params", "macs", "draws", "known as"], ...rows]),
    );
    return 0;
  },
};
