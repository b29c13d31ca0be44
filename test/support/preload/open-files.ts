// A process whose files are all taken from its second image on: it opens files until the host gives no more.
import { openSync } from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const { readFile } = promises;
let images = 0;

promises.readFile = ((path: string, ...rest: never[]) => {
  if (String(path).endsWith(".png") && ++images > 1) {
    try {
      for (;;) openSync("/dev/null", "r");
    } catch {
      // None is left.
    }
  }
  return readFile(path, ...rest);
}) as typeof readFile;
syncBuiltinESMExports();
