import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.js";
import { cifarFile } from "../support/cifar-files.js";
import { pngFile, pngHeader } from "../support/image-fixtures.js";
import { seeded } from "../support/kernels.js";
import { tempFolder } from "../support/temp-folder.js";
import { root } from "./markdown.js";

/** A PNG file of seeded noise. */
function noisePng(seed: number): Uint8Array {
  const [width, height] = [48, 40];
  const next = seeded(seed);
  const rows = Uint8Array.from({ length: height * (1 + 3 * width) }, (_, i) =>
    i % (1 + 3 * width) === 0 ? 0 : Math.floor(256 * next()),
  );
  return pngFile(["IHDR", pngHeader(width, height, 8, 2)], ["IDAT", deflateSync(rows)]);
}

/** A small ResNet under torchvision's names, its classifier included. */
function torchvisionFile(): Uint8Array {
  const path = join(root, "test/fixtures/golden/torchvision_resnet.safetensors");
  const { tensors } = readSafetensors(readFileSync(path), path);
  return writeSafetensors(new Map([...tensors].filter(([name]) => /^(conv1|bn1|layer\d|fc)\./.test(name))));
}

/** A folder with the data that the examples name: few images, so that few steps are trained. */
export function workspace(): string {
  const photos = [...Array(40).keys()].map((i) => {
    const folder = `${i < 32 ? "train" : "test"}/${i % 2 === 0 ? "cats" : "dogs"}`;
    return [`photos/${folder}/${i}.png`, noisePng(i)] as const;
  });
  const labels = [...Array(128).keys()].map((i) => [i % 10]);
  return tempFolder({
    ...Object.fromEntries(photos),
    "resnet50.safetensors": torchvisionFile(),
    "data/cifar10/data_batch_1.bin": cifarFile(labels),
    "data/cifar10/test_batch.bin": cifarFile(labels.slice(0, 20)),
  });
}

/** How a program ended. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** Runs Node in a folder. */
export function runNode(args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("close", (code) => resolve({ code, output }));
  });
}
