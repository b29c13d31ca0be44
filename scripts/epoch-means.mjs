// Prints the mean of every logged loss over each epoch of a run: node scripts/epoch-means.mjs RUN STEPS_PER_EPOCH
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [run, stepsPerEpoch] = process.argv.slice(2);
if (!run || !(Number(stepsPerEpoch) > 0)) {
  console.error("usage: node scripts/epoch-means.mjs RUN STEPS_PER_EPOCH");
  process.exit(2);
}
const steps = readFileSync(join(run, "metrics.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
for (let start = 0, epoch = 1; start < steps.length; start += Number(stepsPerEpoch), epoch++) {
  const part = steps.slice(start, start + Number(stepsPerEpoch));
  const means = Object.keys(part[0])
    .filter((key) => key.includes("loss"))
    .map((key) => `${key} ${(part.reduce((sum, step) => sum + step[key], 0) / part.length).toFixed(4)}`);
  console.log(`epoch ${epoch} (${part.length} steps): ${means.join("  ")}`);
}
