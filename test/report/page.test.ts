import { createHash } from "node:crypto";
import * as assert from "uvu/assert";
import { pageAssets } from "../../src/report/assets.js";
import { html } from "../../src/report/html.js";
import { contentPolicy, page, pageUpdate } from "../../src/report/page.js";
import { test } from "../support/test.js";

const assets = pageAssets();
const chart = { id: "c", title: "t", caption: "", xLabel: "x", x: [1], series: [{ label: "</script>", values: [2] }] };
const sections = [{ id: "one", title: "One & only", body: html`<p>text</p>`, charts: [chart] }];
const made = page({ title: "<run>", subtitle: "", sections, assets });

test("the page refers to nothing outside of itself", () => {
  const markup = made.replace(/<(script|style)[^>]*>[\s\S]*?<\/\1>/g, "");
  for (const [, address] of markup.matchAll(/(?:src|href)="([^"]*)"/g)) assert.match(address, /^(data:|#)/);
  for (const text of assets.styles) assert.not.match(text, /url\(|@import/);
});

test("the policy names the scripts and styles that are in the page, and lets nothing else run or load", () => {
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(made)![1].replaceAll("&#39;", "'");
  assert.match(policy, /^default-src 'none'; /);
  assert.not.match(policy, /unsafe|https?:|\*/);
  const bodies = [...made.matchAll(/<(script|style)(?: type="module")?>([\s\S]*?)<\/\1>/g)].map(([, , text]) => text);
  assert.is(bodies.length, assets.scripts.length + assets.styles.length);
  for (const text of bodies) assert.ok(policy.includes(createHash("sha256").update(text).digest("base64")));
  assert.not.match(policy, /connect-src/);
  assert.match(contentPolicy(assets, { connects: true }), /connect-src 'self'/);
});

test("titles are escaped, and data cannot end its script", () => {
  assert.match(made, /<h1>&lt;run&gt;<\/h1>/);
  assert.match(made, /<h2>One &amp; only<\/h2>/);
  const data = /<script type="application\/json" id="charts">(.*?)<\/script>/.exec(made)![1];
  assert.equal(JSON.parse(data), [chart]);
});

test("no script or style of the page ends its element early", () => {
  for (const { text } of assets.scripts) assert.not.match(text, /<\/script|<!--/i);
  for (const text of assets.styles) assert.not.match(text, /<\/style/i);
});

test("what an update replaces is what the page shows", () => {
  assert.equal(pageUpdate(sections), { bodies: { one: "<p>text</p>" }, charts: [chart] });
});
