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
  const note = html`<p>Beside the intact network every step trains ${record.config.student.samples_per_step}, drawn without
replacement from a list in which small networks stand more often. The intact network, ${space.full.name}, is drawn by itself
only where it is the only one.</p>`;
  const body = total > 0 ? html`${note}${map}` : emptyNote("No network has been drawn yet.");
  return { id: "networks", title: "Networks drawn", body, charts: [] };
}
