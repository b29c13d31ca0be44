// The program of the page: which image and which encoder are chosen, and what is shown of them.
import { countText } from "../../number-text.js";
import { CONTENT_ID, type ShowcaseContent } from "../content.js";
import { showAttention } from "./attention-view.js";
import { byId } from "./dom.js";
import { ImageStrip } from "./image-strip.js";
import { LatencyView } from "./latency-view.js";
import { NeighborsView } from "./neighbors-view.js";
import type { ChosenPicture } from "./picture.js";
import { WorkerLink } from "./worker-link.js";

/** Networks take turns when all are measured, so that a spell in which the device is busy meets all of them. */
const ROUNDS = 3;

class Showcase {
  private readonly content: ShowcaseContent;
  private readonly link: WorkerLink;
  private readonly latency = new LatencyView();
  private readonly neighbors: NeighborsView;
  private readonly opened = new Set<number>();
  private picture: ChosenPicture | null = null;
  private looking = false;
  /** Whether image or encoder have been changed since the last look began. */
  private changed = false;

  constructor(content: ShowcaseContent) {
    this.content = content;
    this.link = new WorkerLink(content);
    this.neighbors = new NeighborsView(content.bank);
    const strip = new ImageStrip(content, {
      onChoice: (picture) => {
        this.picture = picture;
        this.look();
      },
      onProblem: (text) => this.tell(text),
    });
    for (const input of document.querySelectorAll("[name=network]"))
      input.addEventListener("change", () => this.look());
    byId("measure").addEventListener("click", () => this.measureAll());
    strip.chooseFirst();
    if (content.samples.length === 0) byId("findings").removeAttribute("aria-busy");
  }

  private get network(): number {
    return Number(document.querySelector<HTMLInputElement>("[name=network]:checked")?.value ?? 0);
  }

  /** Asks the chosen encoder about the chosen image; while it answers, only the latest choice is kept. */
  private async look(): Promise<void> {
    this.changed = true;
    if (this.looking) return;
    this.looking = true;
    byId("findings").setAttribute("aria-busy", "true");
    while (this.changed && this.picture) {
      this.changed = false;
      await this.lookOnce(this.network, this.picture);
    }
    this.looking = false;
    byId("findings").removeAttribute("aria-busy");
    if (this.opened.has(this.network) && !this.latency.has(this.network)) await this.measure(this.network);
  }

  private async lookOnce(index: number, picture: ChosenPicture): Promise<void> {
    const network = this.content.networks[index];
    const { name, bundleBytes, featuresBytes } = network;
    if (!this.opened.has(index)) this.say(`Loading ${name}: ${countText(bundleBytes + featuresBytes)}B`);
    try {
      const looked = await this.link.look(index, picture.pixels);
      this.opened.add(index);
      this.neighbors.show(looked, picture.label);
      showAttention(picture, network, looked);
      this.say("");
      byId("problem").hidden = true;
    } catch (error) {
      this.say("");
      this.tell((error as Error).message);
    }
  }

  private async measureAll(): Promise<void> {
    const button = byId<HTMLButtonElement>("measure");
    button.disabled = true;
    for (let round = 0; round < ROUNDS; round++)
      for (const index of this.content.networks.keys()) await this.measure(index);
    button.disabled = false;
  }

  private async measure(index: number): Promise<void> {
    this.say(`Measuring ${this.content.networks[index].name}`);
    try {
      this.latency.add(index, await this.link.measure(index));
    } catch (error) {
      this.tell((error as Error).message);
    }
    this.say("");
  }

  private say(text: string): void {
    byId("state").textContent = text;
  }

  private tell(text: string): void {
    const place = byId("problem");
    place.textContent = text;
    place.hidden = false;
    place.scrollIntoView({ block: "nearest" });
  }
}

new Showcase(JSON.parse(byId(CONTENT_ID).textContent ?? "") as ShowcaseContent);
