/** The element of the page with that id. @throws Error if the page has none, which is a fault of the page */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found as T;
}

/** A new element with a class, if one is given, and what stands in it. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  className = "",
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** A square canvas that shows one thing, and a line below it. */
export function tile(canvas: HTMLCanvasElement, alt: string, ...caption: readonly (Node | string)[]): HTMLElement {
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", alt);
  return element("figure", "", canvas, element("figcaption", "", ...caption));
}

/** A canvas of that size with its context. */
export function canvasOf(width: number, height = width): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = element("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser gives no more room to draw in. Close other pages.");
  return [canvas, context];
}
