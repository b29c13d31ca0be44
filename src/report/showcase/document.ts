import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Html, html, inlineJson } from "../html.js";
import { countText, percentText, wholeText } from "../number-text.js";
import { pageHead } from "../page.js";
import { style } from "../style.js";
import { CONTENT_ID, type ShowcaseContent, type ShowcaseNetwork, VOTERS } from "./content.js";
import { showcaseStyle } from "./style.js";

export interface ShowcaseDocument {
  readonly title: string;
  readonly subtitle: string;
  readonly content: ShowcaseContent;
  /** Address of the module that the page starts. */
  readonly program: string;
}

/**
 * The page itself. Its policy allows its own style, modules and data of its own server, WebAssembly, and nothing else; no text
 * is evaluated.
 */
export function showcaseDocument({ title, subtitle, content, program }: ShowcaseDocument): string {
  const guard = readFileSync(new URL("./client/guard.js", import.meta.url), "utf8");
  const styles = `${style}${showcaseStyle}`;
  return html`<!doctype html>
<html lang="en">
<head>
${pageHead(title, policy({ guard, styles }))}<style>${new Html(styles)}</style>
<script type="module">${new Html(guard)}</script>
<script type="module" src="${program}" id="program"></script>
</head>
<body>
<header><h1>${title}</h1><p>${subtitle}</p></header>
<main class="showcase">
<noscript><p class="warning">The encoders of this page are run by scripts, which this browser does not allow.</p></noscript>
<p class="warning" id="problem" role="alert" hidden></p>
<div class="choice">
${imageSection(content)}
${encoderSection(content)}
</div>
<div class="findings" id="findings" aria-busy="true">
${findingSections(content)}
${aboutSection(content)}
</div>
</main>
<script type="application/json" id="${CONTENT_ID}">${inlineJson(content)}</script>
</body>
</html>
`.text;
}

function policy({ guard, styles }: { guard: string; styles: string }): string {
  const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  return [
    "default-src 'none'",
    `script-src 'self' 'wasm-unsafe-eval' ${hash(guard)}`,
    "worker-src 'self'",
    `style-src ${hash(styles)}`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

function imageSection({ samples }: ShowcaseContent): Html {
  return html`<section id="image"><h2>Image</h2>
<label class="drop" id="drop"><input type="file" id="files" accept="image/*" multiple>
<b>Choose images</b><span>or drop them anywhere on the page, or paste one</span></label>
<p class="note">They stay on this device. ${samples.length > 0 ? "Or try one of these:" : null}</p>
<div class="strip" id="images" role="group" aria-label="images">${samples.map(
    ({ file, label }, i) => html`
<button type="button" class="choice-image" data-sample="${i}" aria-pressed="false"><img src="${file}" alt="${label === null ? `sample ${i + 1}` : `sample ${i + 1}, ${label}`}" loading="lazy"></button>`,
  )}
</div></section>`;
}

function encoderSection({ networks }: ShowcaseContent): Html {
  const rated = networks.some(({ knn }) => knn !== null);
  return html`<section id="encoder"><h2>Encoder</h2>
<div class="wide"><table class="rows networks">
<thead><tr><th scope="col">network</th><th scope="col">parameters</th><th scope="col">file</th>${
    rated ? html`<th scope="col">k-NN</th>` : null
  }<th scope="col">per image</th></tr></thead>
<tbody>${networks.map((network, i) => networkRow(network, i, { rated, chosen: i === networks.length - 1 }))}</tbody>
</table></div>
<div class="actions"><button type="button" id="measure">Measure all</button><span id="state" role="status"></span></div>
</section>`;
}

function networkRow(
  { name, params, bundleBytes, knn }: ShowcaseNetwork,
  index: number,
  { rated, chosen }: { rated: boolean; chosen: boolean },
): Html {
  const share = knn === null ? "–" : percentText(knn);
  return html`
<tr data-network="${index}"><th scope="row"><label><input type="radio" name="network" value="${index}"${chosen ? html` checked` : null}> ${name}</label></th><td>${countText(params)}</td><td>${countText(bundleBytes)}B</td>${
    rated ? html`<td>${share}</td>` : null
  }<td class="latency"><span class="time">–</span><span class="bar"></span></td></tr>`;
}

function findingSections({ bank }: ShowcaseContent): Html {
  return html`<section id="neighbors"><h2>Nearest images</h2>
<div class="votes" id="votes"${bank.labels ? null : html` hidden`}></div>
<div class="tiles-of-images" id="nearest"></div>
<p class="note">Cosine similarity of features, among ${wholeText(bank.count)} images.${
    bank.labels
      ? ` The bars are the vote of the ${Math.min(VOTERS, bank.count)} nearest. Where the class of the image is known, a green ` +
        "frame means the same class, an orange one another."
      : null
  }</p></section>
<section id="attention"><h2>Where it looks</h2>
<div class="tiles-of-images" id="maps"></div>
<p class="note" id="maps-note"></p></section>`;
}

function aboutSection({ networks }: ShowcaseContent): Html {
  const rated = networks.some(({ knn }) => knn !== null);
  return html`<details id="about"><summary>What is measured</summary>
<p>Every encoder is a part of the same pre-trained network, cut out without further training. All is computed on this device, on
one thread, by the kernels that trained it.</p>
<p>“Per image” is the median time from the pixels of an image of the size of training to its feature, once warm, measured on this
device. ${
    rated
      ? "“k-NN” is the share of test images in percent whose neighbours vote for their class, as measured after training."
      : null
  }</p>
<p>An image is resized and its middle square cut out, as in every evaluation. Images larger than 2048 pixels are made smaller by the
browser first.</p></details>`;
}
