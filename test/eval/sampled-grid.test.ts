import * as assert from "uvu/assert";
import { type Network, resnetSpace, swinSpace, vitSpace } from "../../src/elastic/space.js";
import { ConfigError } from "../../src/errors.js";
import { sampleGrid } from "../../src/eval/sampled-grid.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const vit = vitSpace({ minWidth: 384, maxWidth: 1024, headDim: 64, minDepth: 12, maxDepth: 24 }).distinct();
const names = (networks: readonly Network[]) => networks.map(({ name }) => name);

test("corners come first, then the network farthest from all chosen so far", () => {
  assert.equal(names(sampleGrid(vit, 4)), ["384x12", "384x24", "1024x12", "1024x24"]);
  assert.equal(names(sampleGrid(vit, 5)), ["384x12", "384x24", "704x18", "1024x12", "1024x24"]);
  const nine = sampleGrid(vit, 9);
  assert.equal(names(nine).filter((name) => /^(384|704|1024)x(12|18|24)$/.test(name)).length, 9);
});

test("any number is met exactly, without doubles, in the order of the space, and holds every smaller sample", () => {
  const order = new Map(vit.map(({ name }, i) => [name, i]));
  let before: string[] = [];
  for (let count = 4; count <= vit.length; count += 17) {
    const chosen = names(sampleGrid(vit, count));
    assert.is(new Set(chosen).size, count);
    const places = chosen.map((name) => order.get(name)!);
    assert.equal(
      places,
      [...places].sort((a, b) => a - b),
    );
    for (const name of before) assert.ok(chosen.includes(name), `${name} of the smaller sample`);
    before = chosen;
  }
});

test("no network of a large space is far from a sample of sixteen", () => {
  const widths = [...new Set(vit.map(({ width }) => width))];
  const place = ({ width, depth }: Network) => [widths.indexOf(width) / 10, ((depth as number) - 12) / 12];
  const sample = sampleGrid(vit, 16).map(place);
  for (const network of vit) {
    const [x, y] = place(network);
    const nearest = Math.min(...sample.map(([u, v]) => Math.hypot(x - u, y - v)));
    assert.ok(nearest <= 0.25, `${network.name} is ${nearest} away`);
  }
});

test("a number beyond the space takes all of it", () => {
  assert.equal(sampleGrid(vit, 143), [...vit]);
  assert.equal(sampleGrid(vit, 1000), [...vit]);
});

test("spaces of other families have corners too, and a space with one depth has two", () => {
  const resnet = resnetSpace({
    ...{ baseChannels: 8, groups: 4, minDepths: [1, 1, 1, 1], maxDepths: [1, 2, 2, 1] },
  }).distinct();
  assert.equal(names(sampleGrid(resnet, 4)), ["8x1x1", "8x2x2", "16x1x1", "16x2x2"]);
  const swin = swinSpace({ minWidth: 96, maxWidth: 128, headDim: 16, minDepth: 2, maxDepths: [2, 2, 2, 2] }).distinct();
  assert.equal(names(sampleGrid(swin, 2)), ["96x2", "128x2"]);
});

test("a sample that does not hold the corners is refused", () => {
  refuses(() => sampleGrid(vit, 3), ConfigError, "3 of 143 networks do not hold the 4 corners");
  refuses(() => sampleGrid(vit, 3), ConfigError, "Take 4 or more");
});
