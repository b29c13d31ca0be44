import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { imageFolder } from "../../src/data/image-folder.js";
import { pngOf } from "./program.js";
import { squareImage } from "./square-run.js";
import { tempFolder } from "./temp-folder.js";

/** Images of a batch of `runConfigYaml`. */
const BATCH = 4;

/**
 * A folder of classes `left`, `right` and what is given, with good images enough to outnumber the others and to fill whole batches.
 *
 * @param fill  puts other files and folders into it
 * @returns settings under which a tiny run sees every file once
 */
export function mixedFolder(fill: (folder: string) => void): { folder: string; settings: string[]; files: number } {
  const folder = join(tempFolder(), "images");
  for (const sub of ["left", "right"]) mkdirSync(join(folder, sub), { recursive: true });
  fill(folder);
  const given = imageFolder(folder).length;
  const files = given + Math.max(given, 16) + (BATCH - ((given + Math.max(given, 16)) % BATCH));
  for (let i = 0; i < files - given; i++)
    writeFileSync(join(folder, i % 2 === 0 ? "left" : "right", `good${i}.png`), pngOf(squareImage(i)));
  const once = [`train.OFFICIAL_EPOCH_LENGTH=${files / BATCH}`, "optim.epochs=1", "optim.ibot_activate_epochs=0"];
  return { folder, settings: [...once, "train.checkpoint_every_steps=1000"], files };
}
