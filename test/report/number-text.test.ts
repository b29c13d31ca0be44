import * as assert from "uvu/assert";
import { countText, durationText, numberText, percentText, wholeText } from "../../src/report/number-text.js";
import { test } from "../support/test.js";

const plain = (text: string) => text.replaceAll("\u202f", " ").replaceAll("\u2212", "-");

test("numbers are written as people read them", () => {
  for (const [got, wanted] of [
    [wholeText(0), "0"],
    [wholeText(999), "999"],
    [wholeText(1234567), "1 234 567"],
    [wholeText(-1234), "-1 234"],
    [countText(0), "0"],
    [countText(999), "999"],
    [countText(1000), "1.00 k"],
    [countText(5_524_416), "5.52 M"],
    [countText(1.26e9), "1.26 G"],
    [numberText(0), "0"],
    [numberText(12.34567), "12.35"],
    [numberText(-120.5), "-120.5"],
    [numberText(0.00012345), "1.234e-4"],
    [numberText(2.5e7), "2.500e7"],
    [numberText(Number.NaN), "not finite"],
    [percentText(0.7243), "72.4"],
    [durationText(0), "0 s"],
    [durationText(59), "59 s"],
    [durationText(61), "1 min"],
    [durationText(3700), "1 h 2 min"],
    [durationText(7199), "2 h 0 min"],
    [durationText(90_000), "1 d 1 h"],
  ])
    assert.is(plain(got), wanted);
});
