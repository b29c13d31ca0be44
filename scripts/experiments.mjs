// What results.mjs and claims.mjs share: options, experiments for each seed, their tables.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Calls } from "./calls.mjs";
import { expectPlaces, table, writeTables } from "./tables.mjs";

/** Settings of a pre-training of so many epochs of the preset's data, a tenth of them with a rising learning rate. */
export function epochSettings(epochs, length) {
  const share = (value) => Number((value * length).toPrecision(6));
  return [`optim.epochs=${share(epochs)}`, `optim.warmup_epochs=${share(epochs / 10)}`, "train.cache=memory"];
}

/** So many steps of a training, one at least. */
export const steps = (count, length) => `${Math.max(1, Math.round(count * length))}`;

const optionTypes = {
  data: { type: "string" },
  out: { type: "string" },
  seeds: { type: "string" },
  jobs: { type: "string" },
  only: { type: "string" },
  length: { type: "string" },
  write: { type: "string" },
  help: { type: "boolean" },
};

/** What all promises give, or the first reason why not, once none of them goes on. */
export async function all(promises) {
  const outcomes = await Promise.allSettled(promises);
  const failed = outcomes.find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
  return outcomes.map(({ value }) => value);
}

class UsageError extends Error {}

/** Options of the call, checked. */
function readOptions(script, names) {
  let values;
  try {
    ({ values } = parseArgs({ options: optionTypes }));
  } catch (error) {
    throw new UsageError(error.message);
  }
  const { data = process.env.POA_DATA, seeds = "0", jobs = "2", only, length = "1", write, help = false } = values;
  const chosen = only?.split(",") ?? names;
  const unknown = chosen.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`--only ${unknown}: there are ${names.join(", ")}.`);
  if (!/^\d+(,\d+)*$/.test(seeds)) throw new UsageError(`--seeds ${seeds}: expected numbers such as 0,1,2.`);
  if (!/^[1-9]\d*$/.test(jobs)) throw new UsageError(`--jobs ${jobs}: expected a whole number above 0.`);
  if (!(Number(length) > 0 && Number(length) <= 1)) throw new UsageError(`--length ${length}: expected 0 to 1.`);
  if (!data && !help) throw new UsageError("--data, or POA_DATA, names the folder of the data sets.");
  const out = values.out ?? `runs/${script}${Number(length) === 1 ? "" : `-${length}`}`;
  return { data, out, seeds: seeds.split(","), jobs: Number(jobs), chosen, length: Number(length), write, help };
}

function usage({ script, about, sets }, names) {
  return `npm run ${script} -- --data DIR [options]

${about}

  --data DIR      holds ${sets.join(", ")} (default POA_DATA)
  --out DIR       keeps runs and results; what is there is not computed again, so a stopped call continues
                  (default runs/${script})
  --seeds LIST    such as 0,1,2; of several, tables have mean and standard deviation (default 0)
  --jobs N        calls of one thread at a time (default 2)
  --only LIST     some of ${names.join(", ")}
  --length SHARE  share of the length of every training; 0.01 tries out whether all works (default 1)
  --write FILE    put the tables between their marks in this document`;
}

/**
 * Runs the experiments of a script and prints their tables. An experiment that fails leaves the others alone.
 *
 * @param script.script  name of the npm script
 * @param script.about  what it does
 * @param script.sets  data sets that it needs
 * @param script.experiments  by name: the head of a table, and `compute(calls, { seed, length, folder })`, its rows for a seed
 */
export async function runExperiments(script) {
  const names = Object.keys(script.experiments);
  try {
    const options = readOptions(script.script, names);
    if (options.help) console.log(usage(script, names));
    else process.exitCode = await run(script.experiments, options);
  } catch (error) {
    console.error(error instanceof UsageError ? `${error.message}\n\n${usage(script, names)}` : error.message);
    process.exitCode = 2;
  }
}

async function run(experiments, { data, out, seeds, jobs, chosen, length, write }) {
  if (write) expectPlaces(write, chosen);
  mkdirSync(out, { recursive: true });
  const calls = new Calls({ data, jobs, root: out });
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => calls.stop());
  const started = performance.now();
  const compute = (name) =>
    all(seeds.map((seed) => experiments[name].compute(calls, { seed, length, folder: `${name}-${seed}` })));
  const outcomes = await Promise.allSettled(chosen.map(compute));
  if (calls.stopping.signal.aborted) {
    console.error("stopped; the same call continues.");
    return 130;
  }
  const tables = {};
  outcomes.forEach(({ status, value, reason }, i) => {
    if (status === "fulfilled") tables[chosen[i]] = table(experiments[chosen[i]].head, value);
    else console.error(`no table ${chosen[i]}: ${reason.message.split("\n")[0]}`);
  });
  const text = Object.entries(tables).map(([name, rows]) => `**${name}**\n\n${rows}\n`);
  writeFileSync(join(out, "tables.md"), text.join("\n"));
  console.log(text.join("\n"));
  if (write) writeTables(write, tables);
  for (const { message } of calls.failures) console.error(`\nfailed: ${message}`);
  console.error(`${((performance.now() - started) / 60_000).toFixed(1)} minutes`);
  return Object.keys(tables).length === chosen.length ? 0 : 1;
}
