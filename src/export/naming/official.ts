import { type Family, fromOfficial, toOfficial } from "../names.js";
import type { Naming } from "./naming.js";

/** The names of the published POA checkpoints; our own are accepted beside them. */
export function official(family: Family): Naming {
  return {
    ours: fromOfficial,
    theirs: (name) => toOfficial(name, family),
    computed: /\.relative_position_index$/,
  };
}
