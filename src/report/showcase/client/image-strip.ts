import type { ShowcaseContent } from "../content.js";
import { byId, canvasOf, element } from "./dom.js";
import { type ChosenPicture, pictureOf } from "./picture.js";

/** Pixels along each side of the button of an image. */
const BUTTON_SIDE = 128;

export interface StripEvents {
  readonly onChoice: (picture: ChosenPicture) => void;
  readonly onProblem: (text: string) => void;
}

/** The images that can be chosen: samples, and those that are dropped, pasted or picked. */
export class ImageStrip {
  private readonly content: ShowcaseContent;
  private readonly events: StripEvents;
  private readonly strip = byId("images");

  constructor(content: ShowcaseContent, events: StripEvents) {
    this.content = content;
    this.events = events;
    for (const button of this.strip.querySelectorAll<HTMLElement>("[data-sample]"))
      button.addEventListener("click", () => this.chooseSample(button));
    const input = byId<HTMLInputElement>("files");
    input.addEventListener("change", async () => {
      await this.add([...(input.files ?? [])]);
      input.value = "";
    });
    this.takeDrops();
    addEventListener("paste", (event) => this.add([...(event.clipboardData?.files ?? [])]));
  }

  /** Chooses the first sample, if there are any. */
  chooseFirst(): void {
    const first = this.strip.querySelector<HTMLElement>("[data-sample]");
    if (first) void this.chooseSample(first);
  }

  private async chooseSample(button: HTMLElement): Promise<void> {
    const { file, label } = this.content.samples[Number(button.dataset.sample)];
    this.mark(button);
    try {
      const response = await fetch(file);
      if (!response.ok) throw new Error(`${file} cannot be loaded: the server answers ${response.status}.`);
      const picture = await pictureOf(await response.blob(), file, label);
      if (button.ariaPressed === "true") this.events.onChoice(picture);
    } catch (error) {
      this.events.onProblem((error as Error).message);
    }
  }

  /** Adds files in front of the others and chooses the first that is an image. */
  private async add(files: readonly File[]): Promise<void> {
    const buttons: HTMLElement[] = [];
    for (const file of files) {
      try {
        buttons.push(this.buttonOf(await pictureOf(file, file.name)));
      } catch (error) {
        this.events.onProblem((error as Error).message);
      }
    }
    this.strip.prepend(...buttons);
    buttons[0]?.click();
  }

  private buttonOf(picture: ChosenPicture): HTMLElement {
    const [canvas, context] = canvasOf(BUTTON_SIDE);
    const { width, height } = picture.canvas;
    const side = Math.min(width, height);
    context.drawImage(
      picture.canvas,
      (width - side) / 2,
      (height - side) / 2,
      side,
      side,
      0,
      0,
      BUTTON_SIDE,
      BUTTON_SIDE,
    );
    const button = element("button", "choice-image", canvas);
    button.type = "button";
    button.title = picture.name;
    button.setAttribute("aria-label", picture.name);
    button.addEventListener("click", () => {
      this.mark(button);
      this.events.onChoice(picture);
    });
    return button;
  }

  private mark(chosen: HTMLElement): void {
    for (const button of this.strip.querySelectorAll<HTMLElement>("button"))
      button.ariaPressed = String(button === chosen);
  }

  private takeDrops(): void {
    const dragging = (event: DragEvent, on: boolean) => {
      event.preventDefault();
      document.body.classList.toggle("dragging", on);
    };
    addEventListener("dragover", (event) => dragging(event, true));
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) dragging(event, false);
    });
    addEventListener("drop", (event) => {
      dragging(event, false);
      void this.add([...(event.dataTransfer?.files ?? [])]);
    });
  }
}
