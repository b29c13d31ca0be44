import type { StoredTensor } from "../../formats/safetensors.js";

/** How another library calls and orders the tensors of a network. */
export interface Naming {
  /** Our name of a tensor of theirs; undefined if our network has no place for it. */
  ours(name: string): string | undefined;
  /** Their name of a tensor of ours; undefined if their network has no place for it. */
  theirs(name: string): string | undefined;
  /** Tensors of theirs that follow from the architecture and hold nothing learnt. */
  readonly computed?: RegExp;
  /** Brings a tensor, by our name, from their order of channels or type of numbers to ours, or from ours to theirs. */
  convert?(name: string, x: StoredTensor, to: "ours" | "theirs"): StoredTensor;
}

/**
 * A naming from a table of names, [theirs, ours] per row. `#` stands for a number, the same in both; `*` for the last word, such
 * as `weight` or `bias`.
 */
export function namingOf(rows: readonly (readonly [string, string])[]): Pick<Naming, "ours" | "theirs"> {
  const translate = (from: 0 | 1, to: 0 | 1) => {
    const rules = rows.map((row) => [patternOf(row[from]), row[to]] as const);
    return (name: string) => {
      for (const [pattern, target] of rules) {
        const found = pattern.exec(name);
        if (found) return filled(target, found.slice(1));
      }
      return undefined;
    };
  };
  return { ours: translate(0, 1), theirs: translate(1, 0) };
}

function patternOf(row: string): RegExp {
  const escaped = row.replace(/[.]/g, "\\.").replace(/#/g, "(\\d+)").replace(/\*/g, "(\\w+)");
  return new RegExp(`^${escaped}$`);
}

function filled(row: string, words: readonly string[]): string {
  let next = 0;
  return row.replace(/[#*]/g, () => words[next++]);
}
