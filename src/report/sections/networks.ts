import { heatMaps } from "../heat-map.js";
import { html } from "../html.js";
import { wholeText } from "../number-text.js";
import type { RunRecord } from "../run-record.js";
import { emptyNote, type Section } from "../section.js";

/** How often each network of the search space was trained as the elastic one. */
export function networks(record: RunRecord): Section {
  const { space } = record;
  const drawn = record.drawn();
  const total = [...drawn.values()].reduce((sum, count) => sum + count, 0);
  const map = heatMaps(space.distinct(), {
    caption: `times drawn, of ${wholeText(total)}`,
    cell: ({ name, draws }) => {
      const count = drawn.get(name) ?? 0;
      const title = `${name}: drawn ${count} times; ${draws} of ${space.length} entries of the sampler's list`;
      return { value: count, text: wholeText(count), title };
    },
  });
  const { samples_per_step: samples } = record.config.student;
  const alone = `Every step trains the intact network, ${space.full.name}, and no other (student.samples_per_step is 0).`;
  const note = html`<p>Every step trains the intact network, ${space.full.name}, and ${samples === 1 ? "one" : samples} drawn without
replacement from a list of the others, in which small ones stand more often.</p>`;
  const body = total > 0 ? html`${note}${map}` : emptyNote(samples > 0 ? "No network has been drawn yet." : alone);
  return { id: "networks", title: "Networks drawn", body, charts: [] };
}
