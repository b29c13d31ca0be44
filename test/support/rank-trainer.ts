// Trains some steps of tiny runs on every rank that mpirun has started: node rank-trainer.js FOLDER RUNS, the latter as JSON.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { init } from "../../src/runtime/context.js";
import { MpiCollective } from "../../src/train/mpi/mpi-collective.js";
import { joinOpenMpi } from "../../src/train/mpi/open-mpi.js";
import { Trainer } from "../../src/train/trainer.js";
import { type RankRun, recordedState, summedGradients, type TrainedSteps } from "./rank-runs.js";
import { runConfig, squareSource } from "./square-run.js";

const [folder, runs] = process.argv.slice(2);
await init({ threads: 1 });
const mpi = await joinOpenMpi();
const trained: TrainedSteps[] = [];
for (const { overrides, images, steps, deterministic } of JSON.parse(runs) as RankRun[]) {
  const ranks = new MpiCollective(mpi, { deterministic, timeoutMs: 20_000 });
  const trainer = new Trainer(runConfig(...overrides), squareSource(images), { ranks });
  const reports: TrainedSteps["reports"][number][] = [];
  const gradients: number[][] = [];
  for (let i = 0; i < steps; i++) {
    const { loss, losses, gradientNorms, networks } = await trainer.step();
    reports.push({ loss, losses, gradientNorms, networks: networks.map(({ name }) => name) });
    gradients.push(summedGradients(trainer.model.student).map((value) => value / ranks.size));
  }
  trained.push({ reports, gradients, state: recordedState(trainer.model) });
  trainer.dispose();
}
const { rank } = new MpiCollective(mpi, { deterministic: false, timeoutMs: 20_000 });
writeFileSync(join(folder, `${rank}.json`), JSON.stringify(trained));
mpi.MPI_Finalize();
