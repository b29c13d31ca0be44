import * as assert from "uvu/assert";
import { type Command, commonOptions, helpOf, parseCall } from "../../src/cli/command.js";
import { ConfigError } from "../../src/errors.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";
import { withVariable } from "../support/with-variable.js";

const bake: Command = {
  name: "bake bread",
  summary: "turn dough into bread",
  operands: ["DOUGH"],
  overrides: true,
  options: {
    heat: { value: "N", about: "degrees", fallback: "220" },
    out: { value: "FILE", about: "the loaf" },
    steam: { about: "wet oven" },
  },
  examples: ["poa bake bread rye --out loaf", "poa bake bread wheat --steam oven.fan=true"],
  run: async () => 0,
};
const plain: Command = { ...bake, name: "cool", operands: undefined, overrides: undefined };

const call = (...argv: string[]) => parseCall(bake, argv);

test("operands, options and overrides may stand in any order", () => {
  for (const argv of [
    ["rye", "--out", "loaf", "--steam", "oven.fan=true", "a.b.c=1"],
    ["oven.fan=true", "--steam", "--out=loaf", "a.b.c=1", "rye"],
  ]) {
    const { operands, overrides, text, flag } = call(...argv);
    assert.equal(operands, ["rye"]);
    assert.equal(overrides, ["oven.fan=true", "a.b.c=1"]);
    assert.is(text("out"), "loaf");
    assert.is(flag("steam"), true);
    assert.is(flag("json"), false);
  }
});

test("more operands are taken where a verb says so, and nowhere else", () => {
  const several = parseCall({ ...bake, more: "DOUGH" }, ["rye", "--out", "loaf", "wheat", "oven.fan=true", "oat"]);
  assert.equal([several.operands, several.overrides], [["rye", "wheat", "oat"], ["oven.fan=true"]]);
  refuses(() => parseCall({ ...bake, more: "DOUGH" }, []), ConfigError, "Expected: poa bake bread DOUGH [DOUGH ...].");
  refuses(() => call("rye", "wheat"), ConfigError, '"wheat" is one argument too many');
});

test("an option that is not given has its default, or none", () => {
  const { text, integer, required } = call("rye");
  assert.is(text("heat"), "220");
  assert.is(integer("heat"), 220);
  assert.is(required("heat"), "220");
  assert.is(text("out"), undefined);
  assert.is(integer("out"), undefined);
  refuses(() => required("out"), ConfigError, "bake bread: --out FILE is missing. Expected: poa bake bread DOUGH.");
});

test("whole numbers are read strictly", () => {
  assert.is(call("rye", "--heat", "0").integer("heat"), 0);
  for (const wrong of ["1.5", "ten", "", "1e3", "0x10", " 7", "99999999999999999999"]) {
    refuses(
      () => call("rye", "--heat", wrong).integer("heat"),
      ConfigError,
      `--heat is ${JSON.stringify(wrong)}, expected a whole number from 0 on`,
    );
  }
  refuses(() => call("rye", "--heat", "0").integer("heat", 1), ConfigError, "a whole number from 1 on");
});

test("the build of the kernels is plain or relaxed, for every verb", () => {
  assert.is(call("rye").simd, "plain");
  assert.is(call("rye", "--simd", "relaxed").simd, "relaxed");
  refuses(() => call("rye", "--simd", "fast"), ConfigError, '--simd is "fast", expected plain or relaxed');
});

test("threads are a number from 1 on or all, for every verb", () => {
  withVariable("POA_THREADS", undefined, () => assert.is(call("rye").threads, "all"));
  withVariable("POA_THREADS", "3", () => assert.is(call("rye").threads, undefined, "init() reads the variable"));
  assert.is(call("rye", "--threads", "all").threads, "all");
  assert.is(call("rye", "--threads", "2").threads, 2);
  for (const wrong of ["0", "two", "-1", "ALL"]) {
    refuses(() => call("rye", `--threads=${wrong}`), ConfigError, `--threads is ${JSON.stringify(wrong)}`);
  }
});

test("an unknown option is refused with the nearest one", () => {
  refuses(() => call("rye", "--steem"), ConfigError, "there is no option --steem. Did you mean --steam?");
  refuses(() => call("rye", "--jsn"), ConfigError, "Did you mean --json?");
  refuses(() => call("rye", "--zzzzzzzz"), ConfigError, "there is no option --zzzzzzzz. See poa bake bread --help.");
  refuses(() => call("rye", "-x"), ConfigError, "there is no option -");
});

test("an option without its value, and a switch with one, are refused", () => {
  for (const argv of [["--out"], ["--out", "--steam"], ["--steam=yes"]])
    refuses(() => call("rye", ...argv), ConfigError, "See poa bake bread --help.");
});

test("missing and superfluous operands are named", () => {
  refuses(() => call(), ConfigError, "bake bread: DOUGH is missing.");
  refuses(() => call("rye", "wheat"), ConfigError, '"wheat" is one argument too many');
  refuses(() => parseCall(plain, ["a.b=1"]), ConfigError, '"a.b=1" is one argument too many');
});

test("asking for help needs no operand", () => {
  for (const word of ["--help", "-h"]) assert.is(call(word).flag("help"), true);
});

test("what follows -- is an operand", () => {
  assert.equal(call("--", "--strange-name").operands, ["--strange-name"]);
});

test("the help holds purpose, every option with its default, and the examples", () => {
  const help = helpOf(bake);
  assert.match(help, /^poa bake bread DOUGH \[options\] \[key\.sub=value \.\.\.\]\n\nturn dough into bread\n/);
  for (const name of ["heat N", "out FILE", "steam", ...Object.keys(commonOptions)])
    assert.ok(help.includes(`  --${name}`), name);
  assert.match(help, /--heat N +degrees \(default 220\)\n/);
  for (const example of bake.examples) assert.ok(help.includes(`  ${example}\n`));
  assert.not.match(helpOf(plain), /key\.sub/);
});
