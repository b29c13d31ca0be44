import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSource } from "../../data/source-spec.js";
import { runPage } from "../../report/run-page.js";
import { runPictures } from "../../report/run-pictures.js";
import type { RunRecord } from "../../report/run-record.js";
import { init } from "../../runtime/context.js";
import type { Call, Command } from "../command.js";
import { openModel } from "../model.js";
import { openRecord } from "../open-record.js";
import type { Output } from "../output.js";
import { expectWritable } from "../output-file.js";

export const reportCommand: Command = {
  name: "report",
  summary: "everything about a run as one HTML file: curves, networks, accuracy, pictures, configuration",
  operands: ["RUN"],
  options: {
    out: { value: "FILE.html", about: "the file; default report.html in the run folder" },
    data: { value: "SPEC", about: "images to show crops, attention, features and neighbours of" },
    net: { value: "NAME", about: "network whose attention, features and neighbours are shown", fallback: "full" },
  },
  examples: ["poa report runs/photos", "poa report runs/photos --data photos/ --out photos.html"],
  async run(call, output) {
    const [run] = call.operands;
    const record = await openRecord("report", run);
    const out = call.text("out") ?? join(run, "report.html");
    expectWritable("--out", out);
    const pictures = await picturesOf(record, call, output);
    const page = new TextEncoder().encode(runPage(record, { pictures }));
    writeFileSync(out, page);
    output.result(
      { file: out, bytes: page.length, iterations: record.iterations, pictures: pictures?.length ?? 0 },
      `${out}: ${Math.ceil(page.length / 1024)} KiB`,
    );
    return 0;
  },
};

/** Of the images that `--data` names; null without it. */
async function picturesOf({ config, path }: RunRecord, call: Call, output: Output) {
  const data = call.text("data");
  if (data === undefined) return null;
  const source = await openSource(data, { split: "train" });
  await init({ threads: call.threads, simd: call.simd });
  const { encoder } = await openModel(path, call.text("net"));
  return runPictures(
    { config, encoder, source },
    {
      onProgress: (done, total) =>
        output.progress(() => `features: ${done}/${total} images`, { final: done === total }),
      onWarning: (message) => output.warn(message),
    },
  );
}
