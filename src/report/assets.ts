import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { style } from "./style.js";

/** Scripts and style sheets of the page, as texts: a page refers to no other file. */
export interface PageAssets {
  readonly scripts: readonly { readonly text: string; readonly module: boolean }[];
  readonly styles: readonly string[];
}

/** uPlot as its package has it, with its licence, and what draws with it. */
export function pageAssets(): PageAssets {
  const { resolve } = createRequire(import.meta.url);
  const ofPlots = (file: string) => readFileSync(resolve(`uplot/${file}`), "utf8");
  const client = readFileSync(new URL("./client.js", import.meta.url), "utf8");
  return {
    scripts: [
      { text: `/* uPlot\n${ofPlots("LICENSE")}*/\n${ofPlots("dist/uPlot.iife.min.js")}`, module: false },
      { text: client, module: true },
    ],
    styles: [ofPlots("dist/uPlot.min.css"), style],
  };
}
