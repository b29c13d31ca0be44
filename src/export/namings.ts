import type { Family } from "./names.js";
import type { Naming } from "./naming/naming.js";
import { official } from "./naming/official.js";
import { stockResnet } from "./naming/resnet.js";
import { timmMerging, timmSwin } from "./naming/timm-swin.js";
import { timmVit } from "./naming/timm-vit.js";
import { torchvisionSwin } from "./naming/torchvision-swin.js";
import { torchvisionVit } from "./naming/torchvision-vit.js";

/** Whose names: of the published POA checkpoints, of timm (and DINOv2), of torchvision. */
export type Names = "official" | "timm" | "torchvision";

export const allNames: readonly Names[] = ["official", "timm", "torchvision"];

/** @param present  names of the file, where one library has two conventions */
export function namingFor(names: Names, family: Family, present: Iterable<string> = []): Naming {
  if (names === "official") return official(family);
  if (family === "resnet") return stockResnet;
  if (names === "timm") return family === "vit" ? timmVit : timmSwin(timmMerging(present));
  return family === "vit" ? torchvisionVit : torchvisionSwin;
}
