import { join } from "node:path";
import { DataError } from "../errors.js";
import { RunRecord } from "../report/run-record.js";
import { loadConfig } from "./config-file.js";
import { isRun } from "./model.js";

/**
 * What a run has written down so far; it may be going on.
 *
 * @param verb  for messages
 * @throws DataError if there is no run or its files are damaged
 */
export async function openRecord(verb: string, path: string): Promise<RunRecord> {
  if (!isRun(path))
    throw new DataError(`${verb}: ${path} is no run (no config.yaml). Name the --out folder of a pre-training.`);
  const { config } = await loadConfig(join(path, "config.yaml"));
  const record = new RunRecord(path, config);
  record.refresh();
  return record;
}
