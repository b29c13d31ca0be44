import * as assert from "uvu/assert";
import { cos, exp, log, powInt, roundHalfEven, sin } from "../../src/tensor/math.js";
import { seeded } from "../support/kernels.js";
import { test } from "../support/test.js";

/** Distance in units in the last place, by the order of the bit patterns. */
function ulps(a: number, b: number): number {
  const view = new DataView(new ArrayBuffer(8));
  const order = (x: number) => {
    view.setFloat64(0, x);
    const bits = view.getBigInt64(0);
    return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits;
  };
  return Number(order(a) - order(b));
}

function worstUlps(mine: (x: number) => number, host: (x: number) => number, low: number, high: number): number {
  const next = seeded(3);
  let worst = 0;
  for (let i = 0; i < 20_000; i++) {
    const x = low + (high - low) * next();
    worst = Math.max(worst, Math.abs(ulps(mine(x), host(x))));
  }
  return worst;
}

// Python 3: [base ** n for n in range(61)]
const POWERS_OF_09 = [
  1.0, 0.9, 0.81, 0.7290000000000001, 0.6561, 0.5904900000000001, 0.531441, 0.4782969000000001, 0.4304672100000001,
  0.3874204890000001, 0.3486784401000001, 0.31381059609000006, 0.2824295364810001, 0.2541865828329001,
  0.2287679245496101, 0.20589113209464907, 0.18530201888518416, 0.16677181699666577, 0.15009463529699918,
  0.13508517176729928, 0.12157665459056935, 0.10941898913151242, 0.09847709021836118, 0.08862938119652507,
  0.07976644307687256, 0.0717897987691853, 0.06461081889226677, 0.058149737003040096, 0.05233476330273609,
  0.047101286972462485, 0.04239115827521624, 0.038152042447694615, 0.03433683820292515, 0.030903154382632636,
  0.027812838944369374, 0.025031555049932437, 0.022528399544939195, 0.020275559590445275, 0.01824800363140075,
  0.016423203268260675, 0.014780882941434608, 0.013302794647291146, 0.011972515182562033, 0.01077526366430583,
  0.009697737297875247, 0.008727963568087723, 0.00785516721127895, 0.007069650490151055, 0.00636268544113595,
  0.005726416897022355, 0.00515377520732012, 0.004638397686588108, 0.004174557917929297, 0.0037571021261363674,
  0.0033813919135227306, 0.0030432527221704577, 0.002738927449953412, 0.002465034704958071, 0.002218531234462264,
  0.0019966781110160375, 0.001797010299914434,
];
const POWERS_OF_095 = [
  1.0, 0.95, 0.9025, 0.8573749999999999, 0.8145062499999999, 0.7737809374999998, 0.7350918906249998, 0.6983372960937497,
  0.6634204312890623, 0.6302494097246091, 0.5987369392383787, 0.5688000922764597, 0.5403600876626367,
  0.5133420832795048, 0.48767497911552954, 0.46329123015975304, 0.44012666865176536, 0.4181203352191771,
  0.3972143184582182, 0.37735360253530725, 0.3584859224085419, 0.3405616262881148, 0.323533544973709,
  0.3073568677250236, 0.2919890243387724, 0.27738957312183377, 0.26352009446574204, 0.2503440897424549,
  0.23782688525533216, 0.22593554099256555, 0.21463876394293727, 0.2039068257457904, 0.19371148445850087,
  0.18402591023557582, 0.174824614723797, 0.16608338398760716, 0.1577792147882268, 0.14989025404881545,
  0.14239574134637467, 0.13527595427905592, 0.12851215656510312, 0.12208654873684796, 0.11598222130000556,
  0.11018311023500528, 0.10467395472325501, 0.09944025698709225, 0.09446824413773763, 0.08974483193085075,
  0.0852575903343082, 0.0809947108175928, 0.07694497527671315, 0.07309772651287749, 0.06944284018723361,
  0.06597069817787193, 0.06267216326897833, 0.05953855510552941, 0.056561627350252934, 0.053733545982740286,
  0.051046868683603266, 0.048494525249423104, 0.046069798986951946,
];

test("exp stays within two units in the last place of the host's", () => {
  for (const [low, high] of [
    [-1, 1],
    [-30, 30],
    [-745, -700],
    [-708, 709.7],
  ]) {
    assert.ok(worstUlps(exp, Math.exp, low, high) <= 2, `[${low}, ${high}]: ${worstUlps(exp, Math.exp, low, high)}`);
  }
});

test("exp keeps its limits: overflow, underflow, subnormal results, zero and NaN", () => {
  assert.is(exp(0), 1);
  assert.is(exp(710), Number.POSITIVE_INFINITY);
  assert.is(exp(Number.NEGATIVE_INFINITY), 0);
  assert.is(exp(-746), 0);
  assert.is(exp(-745), 5e-324);
  assert.ok(Number.isNaN(exp(Number.NaN)));
});

test("log stays within two units in the last place of the host's", () => {
  for (const [low, high] of [
    [0.5, 2],
    [0.99, 1.01],
    [1e-300, 1e-290],
    [0, 1e-307],
    [1, 1e300],
    [0, 10],
  ]) {
    assert.ok(worstUlps(log, Math.log, low, high) <= 2, `[${low}, ${high}]: ${worstUlps(log, Math.log, low, high)}`);
  }
});

test("log keeps its limits: zero, negative, infinite, subnormal", () => {
  assert.is(log(1), 0);
  assert.is(log(0), Number.NEGATIVE_INFINITY);
  assert.ok(Number.isNaN(log(-1)));
  assert.is(log(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
  assert.is(log(5e-324), -744.4400719213812);
});

test("sin and cos stay within two units in the last place of the host's", () => {
  for (const [low, high] of [
    [-0.8, 0.8],
    [-3.2, 3.2],
    [-1000, 1000],
    [-1048576, 1048576],
  ]) {
    assert.ok(
      worstUlps(sin, Math.sin, low, high) <= 2,
      `sin [${low}, ${high}]: ${worstUlps(sin, Math.sin, low, high)}`,
    );
    assert.ok(
      worstUlps(cos, Math.cos, low, high) <= 2,
      `cos [${low}, ${high}]: ${worstUlps(cos, Math.cos, low, high)}`,
    );
  }
});

test("sin and cos are exact to the last bit where rounding of π is all that is left", () => {
  assert.is(cos(0), 1);
  assert.is(sin(0), 0);
  assert.is(sin(Math.PI), 1.2246467991473532e-16);
  assert.is(cos(Math.PI / 2), 6.123233995736766e-17);
  assert.is(cos(Math.PI), -1);
});

test("an angle beyond 2^20 is refused", () => {
  assert.throws(() => cos(1048577), /cos: the angle 1048577 exceeds 2\^20/);
  assert.throws(() => sin(-1e9), /sin: the angle -1000000000 exceeds/);
});

test("integer powers equal correctly rounded ones", () => {
  for (let n = 0; n <= 60; n++) {
    assert.is(powInt(0.9, n), POWERS_OF_09[n], `0.9^${n}`);
    assert.is(powInt(0.95, n), POWERS_OF_095[n], `0.95^${n}`);
  }
  assert.is(powInt(3, 40), 12157665459056929000); // 3^40 = 12157665459056928801
  assert.is(powInt(-2, 3), -8);
  assert.is(powInt(10, 22), 1e22);
});

test("powInt takes negative exponents, over- and underflow", () => {
  assert.is(powInt(2, -3), 0.125);
  assert.is(powInt(0.9, -25), 13.929555690985374); // Python 3: 0.9 ** -25
  assert.is(powInt(10, 400), Number.POSITIVE_INFINITY);
  assert.is(powInt(0.9, 276_800), 0);
  assert.is(powInt(10, -400), 0);
  assert.is(powInt(0, -1), Number.POSITIVE_INFINITY);
  assert.throws(() => powInt(2, 0.5), /powInt: the exponent must be an integer, got 0.5/);
});

test("rounding sends ties to the even neighbour", () => {
  assert.equal([0.5, 1.5, 2.5, -0.5, -1.5, 2.4999, 2.5001, 7].map(roundHalfEven), [0, 2, 2, 0, -2, 2, 3, 7]);
});
