import * as assert from "uvu/assert";
import {
  drawRandAugment,
  type ImageOperation,
  operation,
  parseRandAugment,
  type RandAugmentPolicy,
} from "../../src/data/rand-augment.js";
import { ConfigError } from "../../src/errors.js";
import { Rng } from "../../src/tensor/random.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const policy = parseRandAugment("m9-mstd0.5-inc1");

const draws = (count: number, of: RandAugmentPolicy): ImageOperation[] =>
  Array.from({ length: count }, (_, i) => drawRandAugment(new Rng(1, i), of)).flat();

test("timm's notation is read, with its defaults for what is left out", () => {
  assert.equal(policy, { magnitude: 9, magnitudeStd: 0.5, increasing: true, operations: 2, probability: 0.5 });
  assert.equal(parseRandAugment("rand-m7-n3-p0.8"), {
    ...{ magnitude: 7, magnitudeStd: 0, increasing: false, operations: 3, probability: 0.8 },
  });
  assert.is(parseRandAugment("m9-mstd101").magnitudeStd, Number.POSITIVE_INFINITY);
});

test("what is no policy is refused with the part that is wrong", () => {
  refuses(() => parseRandAugment("m9-x3"), ConfigError, '"x3", expected parts such as m9');
  refuses(() => parseRandAugment(""), ConfigError, '""');
  for (const text of ["m11", "n1.5", "p1.5", "inc2"])
    refuses(() => parseRandAugment(text), ConfigError, "out of range");
});

test("strengths become timm's arguments, worked out by hand for magnitude 9", () => {
  const at = (kind: Parameters<typeof operation>[0], increasing: boolean, sign: 1 | -1 = 1) => {
    const drawn = operation(kind, 0.9, sign, increasing);
    return "amount" in drawn ? Math.round(1e9 * drawn.amount) / 1e9 : null;
  };
  for (const kind of ["autoContrast", "equalize", "invert"] as const) assert.is(at(kind, true), null);
  assert.equal([at("posterize", true), at("posterize", false)], [1, 3]);
  assert.equal([at("solarize", true), at("solarize", false)], [26, 230]);
  assert.is(at("solarizeAdd", true), 99);
  for (const kind of ["saturation", "contrast", "brightness", "sharpness"] as const)
    assert.equal([at(kind, true), at(kind, true, -1), at(kind, false)], [1.81, 0.19, 1.72]);
  assert.equal([at("rotate", true), at("rotate", true, -1)], [27, -27]);
  assert.equal([at("shearX", true), at("shearY", true, -1)], [0.27, -0.27]);
  assert.equal([at("translateX", true), at("translateY", true, -1)], [0.405, -0.405]);
  assert.equal(operation("brightness", 1, -1, true), { op: "brightness", amount: 0.1 });
});

test("all fifteen operations are drawn about equally often, each for half of its turns", () => {
  const drawn = draws(6000, policy);
  assert.ok(Math.abs(drawn.length - 6000) < 250, `${drawn.length} operations for 6000 images`);
  const kinds = new Map<string, number>();
  for (const { op } of drawn) kinds.set(op, (kinds.get(op) ?? 0) + 1);
  assert.is(kinds.size, 15);
  for (const [op, count] of kinds) assert.ok(Math.abs(count - 400) < 100, `${op} ${count}`);
});

test("the magnitude varies by its deviation and stays within 0 to 10, and both signs occur", () => {
  const degrees = draws(6000, policy).flatMap((drawn) => (drawn.op === "rotate" ? [drawn.amount] : []));
  const strengths = degrees.map((amount) => Math.abs(amount) / 3);
  const mean = strengths.reduce((sum, x) => sum + x, 0) / strengths.length;
  assert.ok(Math.abs(mean - 9) < 0.1, String(mean));
  assert.ok(Math.max(...strengths) <= 10 && new Set(strengths).size > 300);
  const positive = degrees.filter((amount) => amount > 0).length / degrees.length;
  assert.ok(positive > 0.4 && positive < 0.6, String(positive));
  const fixed = draws(300, { ...policy, magnitudeStd: 0 }).find(({ op }) => op === "rotate");
  assert.ok(fixed?.op === "rotate" && Math.abs(fixed.amount) === 27);
  const uniform = draws(3000, parseRandAugment("m4-mstd101-p1")).flatMap((d) => (d.op === "rotate" ? [d.amount] : []));
  assert.ok(uniform.every((amount) => Math.abs(amount) <= 12) && uniform.some((amount) => Math.abs(amount) < 2));
});

test("probability 0 draws nothing, and the same stream the same operations", () => {
  assert.equal(draws(50, { ...policy, probability: 0 }), []);
  assert.equal(drawRandAugment(new Rng(3, 1), policy), drawRandAugment(new Rng(3, 1), policy));
});
