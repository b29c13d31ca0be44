// A process that ends by SIGKILL just before the POA_TEST_KILL_AT-th of its calls that touch a path below POA_TEST_KILL_IN, or a
// file that was opened there.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const calls = [
  "closeSync",
  "fsyncSync",
  "mkdirSync",
  "openSync",
  "readSync",
  "renameSync",
  "rmSync",
  "writeSync",
] as const;
const { POA_TEST_KILL_AT, POA_TEST_KILL_IN = "" } = process.env;

type AnyCall = (...args: unknown[]) => unknown;
const files = fs as unknown as Record<string, AnyCall>;
const opened = new Set<unknown>();
let count = 0;

for (const name of calls) {
  const original = files[name];
  files[name] = (...args) => {
    const [target] = args;
    const counts = typeof target === "string" ? target.startsWith(POA_TEST_KILL_IN) : opened.has(target);
    if (counts && ++count === Number(POA_TEST_KILL_AT)) process.kill(process.pid, "SIGKILL");
    const result = original(...args);
    if (name === "openSync" && counts) opened.add(result);
    if (name === "closeSync") opened.delete(target);
    return result;
  };
}
syncBuiltinESMExports();
