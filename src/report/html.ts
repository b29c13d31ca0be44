/** Markup: text in which everything that came from outside has been escaped. */
export class Html {
  readonly text: string;

  /** @param text  markup that is right as it stands; what is not written in the program goes through `html` */
  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a place of `html`: text and numbers are escaped, markup is not, null is nothing. */
export type HtmlPart = Html | string | number | null | readonly HtmlPart[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Template tag for markup: what stands in its places is escaped unless it is markup, so no name of a file becomes an element. */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(strings.map((text, i) => text + (i < parts.length ? textOf(parts[i]) : "")).join(""));
}

function textOf(part: HtmlPart): string {
  if (part === null) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(textOf).join("");
  return String(part).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** JSON that may stand inside a script element: it cannot end the element, and old engines can parse its line separators. */
export function inlineJson(value: unknown): Html {
  const escaped = JSON.stringify(value).replace(
    /[<\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return new Html(escaped);
}
