import { curves } from "../curves.js";
import { html } from "../html.js";
import type { RunRecord } from "../run-record.js";
import { chartSlots, emptyNote, type Section } from "../section.js";

/** A loss of one projection head has the number of the head behind its name. */
const OF_A_HEAD = /^(.*_loss)_(\d+)$/;

/** What the published keys of metrics.jsonl mean. */
const MEANINGS: Readonly<Record<string, string>> = {
  objective: "the weighted sum that is minimised",
  total_loss: "sum of the parts below",
  dino_global_crops_loss: "students against the teacher, global crops",
  dino_local_crops_loss: "students against the teacher, local crops",
  ibot_loss: "masked patches against the teacher's",
  koleo_loss: "spreads the features of a batch",
  distill_global_crops_loss: "elastic student against the intact one, global crops",
  distill_local_crops_loss: "elastic student against the intact one, local crops",
};

/** The objective and each of its parts, one curve per projection head. */
export function losses({ metrics }: RunRecord): Section {
  const parts = new Map<string, Map<string, string>>();
  for (const key of metrics.keys) {
    const [, part = key, head] = OF_A_HEAD.exec(key) ?? [];
    if (part !== "objective" && !part.endsWith("_loss")) continue;
    if (!parts.has(part)) parts.set(part, new Map());
    parts.get(part)!.set(key, head === undefined ? part : `head ${head}`);
  }
  const charts = [...parts]
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([part, series]) =>
      curves(metrics, { id: `loss ${part}`, title: part, caption: MEANINGS[part] ?? "", series }),
    );
  const note = html`<p>Each point of a long run is a mean; the band around it shows the least and the greatest value.</p>`;
  const body = charts.length > 0 ? html`${note}${chartSlots(charts)}` : emptyNote("No step has been done yet.");
  return { id: "losses", title: "Losses", body, charts };
}

/** The objective first, then as in the table of meanings, then what is not in it. */
function rank(part: string): number {
  const at = Object.keys(MEANINGS).indexOf(part);
  return at < 0 ? Number.MAX_SAFE_INTEGER : at;
}
