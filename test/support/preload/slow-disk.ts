// A disk that takes its time: each fsync says so on stderr, then takes POA_TEST_FSYNC_MS.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const { fsyncSync } = fs;
const sleeping = new Int32Array(new SharedArrayBuffer(4));

fs.fsyncSync = (file) => {
  fs.writeSync(2, "fsync\n");
  Atomics.wait(sleeping, 0, 0, Number(process.env.POA_TEST_FSYNC_MS));
  fsyncSync(file);
};
syncBuiltinESMExports();
