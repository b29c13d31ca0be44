import { basename, resolve } from "node:path";
import { type PageAssets, pageAssets } from "./assets.js";
import { wholeText } from "./number-text.js";
import { page } from "./page.js";
import type { RunRecord } from "./run-record.js";
import type { PagePicture } from "./sections/pictures.js";
import { sectionsOf } from "./sections.js";

const BACKBONES = { vit: "ViT", swin: "Swin", resnet: "ResNet" };

/** Pictures and scripts of a page, and where it is told of news. */
export interface RunPageOptions {
  /** Default: read from their files. */
  readonly assets?: PageAssets;
  /** Default null: nobody named images. */
  readonly pictures?: readonly PagePicture[] | null;
  /** As of a page. */
  readonly events?: string;
}

/** The page of a run. The same run gives the same bytes. */
export function runPage(
  record: RunRecord,
  { assets = pageAssets(), pictures = null, events }: RunPageOptions = {},
): string {
  const { info, space } = record;
  const networks = space.distinct().length;
  return page({
    title: basename(resolve(record.path)),
    subtitle:
      `${BACKBONES[space.backbone]} with ${wholeText(networks)} networks up to ${space.full.name}, ` +
      `${wholeText(info.images)} images of ${info.data}`,
    sections: sectionsOf(record, pictures),
    ...{ assets, events },
  });
}
