import * as assert from "uvu/assert";
import { Html, html, inlineJson } from "../../src/report/html.js";
import { test } from "../support/test.js";

test("text from outside is escaped in elements and in attributes", () => {
  const name = `<img src=x onerror="alert('1')"> & co`;
  const escaped = "&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt; &amp; co";
  assert.is(html`<b title="${name}">${name}</b>`.text, `<b title="${escaped}">${escaped}</b>`);
});

test("markup inside markup is not escaped again, lists are joined, null is nothing", () => {
  const items = ["a<", "b"].map((item) => html`<li>${item}</li>`);
  assert.is(html`<ul>${items}</ul>${null}${3}${[]}`.text, "<ul><li>a&lt;</li><li>b</li></ul>3");
  assert.is(html`${new Html("<hr>")}`.text, "<hr>");
});

test("JSON inside a script cannot end it and reads back as what it was", () => {
  const value = { text: "</script><!-- \u2028\u2029 é <b>", list: [1, null] };
  const { text } = inlineJson(value);
  assert.not.match(text, /[<\u2028\u2029]/);
  assert.equal(JSON.parse(text), value);
});
