/** A setting from the command line, or why it is none. */
export type Override = { readonly keys: readonly string[]; readonly value: unknown } | { readonly problem: string };

const NUMBER = /^[-+]?(\.\d+|\d+(\.\d*)?)(e[-+]?\d+)?$/i;
const QUOTED = /^"(?:[^"\\]|\\.)*"$|^'(?:[^']|'')*'$/;

/**
 * Reads `key.sub=value`. The value is a scalar as YAML writes it (number, true, false, null, quoted or plain text) or a
 * list of such in brackets: `optim.lr=1e-3`, `dino.head_n_prototypes=[256, 512]`, `train.cache=memory`.
 */
export function parseOverride(override: string): Override {
  const equals = override.indexOf("=");
  const path = override.slice(0, equals).trim();
  if (equals < 0 || path === "") return { problem: "expected key.sub=value" };
  const keys = path.split(".");
  if (keys.includes("")) return { problem: `expected key.sub=value, and ${JSON.stringify(path)} has an empty part` };
  const value = override.slice(equals + 1).trim();
  if (!value.startsWith("[")) return { keys, value: scalar(value) };
  const items = listItems(value);
  return items ? { keys, value: items.map(scalar) } : { problem: `${value} is not a list such as [1, 2]` };
}

function scalar(word: string): unknown {
  if (/^(null|Null|NULL|~)$/.test(word)) return null;
  if (/^(true|True|TRUE)$/.test(word)) return true;
  if (/^(false|False|FALSE)$/.test(word)) return false;
  if (NUMBER.test(word)) return Number(word);
  if (/^[-+]?\.(inf|Inf|INF)$/.test(word)) return word.startsWith("-") ? -Infinity : Infinity;
  if (/^\.(nan|NaN|NAN)$/.test(word)) return Number.NaN;
  if (!QUOTED.test(word)) return word;
  const inner = word.slice(1, -1);
  return word.startsWith("'") ? inner.replaceAll("''", "'") : inner.replace(/\\(.)/g, "$1");
}

/** The comma-separated words between brackets; undefined if brackets, quotes or commas do not match. */
function listItems(list: string): string[] | undefined {
  if (list.length < 2 || !list.endsWith("]")) return undefined;
  const inner = list.slice(1, -1).trim();
  const item = /\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,[\]"'\s][^,[\]"']*?)\s*(?:,|$)/y;
  const words: string[] = [];
  while (item.lastIndex < inner.length) {
    const match = item.exec(inner);
    if (!match) return undefined;
    words.push(match[1]);
  }
  return words;
}
