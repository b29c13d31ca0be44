import { ConfigError } from "../../errors.js";
import { EXTRACTION_TOLERANCE, type ExtractedNames } from "../../export/extract.js";
import { init } from "../../runtime/context.js";
import type { Command } from "../command.js";
import { extractNetworks } from "../extraction.js";
import { expectRun } from "../model.js";

const namings = ["poa", "timm", "torchvision"] as const;

export const subnetsExtract: Command = {
  name: "subnets extract",
  summary: "write sub-networks of a run as stand-alone files, each compared with its slice on real images",
  operands: ["RUN"],
  options: {
    net: { value: "NAME|all", about: "network: 96x4, small, full, or all", fallback: "full" },
    out: { value: "DIR", about: "folder for the files" },
    names: { value: "poa|timm|torchvision", about: "parameter names", fallback: "poa" },
    data: { value: "SPEC", about: "images to compare on; default those of the run" },
  },
  examples: [
    "poa subnets extract runs/digits --net 12x1 --out encoders",
    "poa subnets extract runs/digits --net all --out encoders --names timm",
  ],
  async run(call, output) {
    const names = call.required("names") as ExtractedNames;
    if (!namings.includes(names))
      throw new ConfigError(`subnets extract: --names is ${JSON.stringify(names)}, expected ${namings.join(", ")}.`);
    const [run, out] = [call.operands[0], call.required("out")];
    expectRun("subnets extract", run);
    await init({ threads: call.threads, simd: call.simd });
    const net = call.required("net");
    const { files, maxAbsDiff } = await extractNetworks(
      run,
      {
        out,
        names,
        data: call.text("data"),
        choose: (space) => (net === "all" ? space.distinct() : [space.parse(net)]),
      },
      output,
    );
    output.event("result", { files: files.length, maxAbsDiff, tolerance: EXTRACTION_TOLERANCE });
  },
};
