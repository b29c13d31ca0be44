import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { configKeys } from "../../src/poa/config.js";
import { architectures } from "../../src/poa/config-key.js";
import { test } from "../support/test.js";
import { documents, fencedBlocks, programCalls, root } from "./markdown.js";

const all = documents();
const page = (path: string) => all.find((document) => document.path === path)!.text;

function helpOf(verb: string): string {
  const args = [join(root, "dist/src/cli/main.js"), ...verb.split(" ").filter(Boolean), "--help"];
  return spawnSync(process.execPath, args, { encoding: "utf8" }).stdout;
}

/** Options of each verb, as its help lists them. */
const verbs = new Map(
  [...helpOf("").matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2,}/gm)].map(([, verb]) => {
    const help = helpOf(verb);
    const options = [...help.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, option]) => option);
    return [verb, { options, overrides: help.split("\n")[0].includes("[key.sub=value ...]") }] as const;
  }),
);

/** Those that stand in every help. */
const common = ["json", "quiet", "threads", "simd", "debug", "help"];

const settings = new Set(architectures.flatMap((arch) => [...configKeys(arch).keys()]));

/** The verb that a call begins with, or undefined. */
function verbOf(words: readonly string[]): string | undefined {
  return [...verbs.keys()].find((verb) => verb.split(" ").every((part, i) => words[i] === part));
}

/** What a call of the program uses that its help does not know. */
function unknownIn(words: readonly string[]): string[] {
  const verb = verbOf(words);
  if (verb === undefined) return ["--help", "--version"].includes(words[0]) ? [] : [`there is no verb ${words[0]}`];
  const { options, overrides } = verbs.get(verb)!;
  const unknown = words
    .filter((word) => /^--[a-z]/.test(word) && !options.includes(word.slice(2).split("=")[0]))
    .map((word) => `${verb} has no ${word}`);
  const laid = words.filter((word) => /^[A-Za-z_][\w.]*=/.test(word));
  if (laid.length > 0 && !overrides) unknown.push(`${verb} takes no settings`);
  const strange = laid.map((word) => word.split("=")[0]).filter((path) => !settings.has(path));
  return [...unknown, ...strange.map((path) => `there is no setting ${path}`)];
}

test("every verb has a help that lists its options", () => {
  assert.ok(verbs.size >= 8, [...verbs.keys()].join(", "));
  for (const [verb, { options }] of verbs) for (const option of common) assert.ok(options.includes(option), verb);
});

test("every call in a document uses verbs, options and settings that exist", () => {
  const problems = all.flatMap((document) =>
    fencedBlocks(document).flatMap((block) =>
      programCalls(block).flatMap((words) => unknownIn(words).map((problem) => `${block.place}: ${problem}`)),
    ),
  );
  assert.equal(problems, []);
});

test("every call in running text uses verbs and options that exist", () => {
  const problems = all.flatMap(({ path, text }) =>
    [...text.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/`poa ([a-z-][^`]*)`/g)].flatMap(([, call]) =>
      unknownIn(call.split(/\s+/)).map((problem) => `${path}: ${problem}`),
    ),
  );
  assert.equal(problems, []);
});

test("docs/command-line.md explains every verb and every option, and no other", () => {
  const sections = page("docs/command-line.md").split(/^### /m).slice(1);
  const explained = new Map(sections.map((section) => [section.slice(0, section.indexOf("\n")), section]));
  for (const [verb, { options }] of verbs) {
    const section = explained.get(verb);
    assert.ok(section, `there is no section on ${verb}`);
    const listed = [...section!.matchAll(/^\| `--([a-z-]+)/gm)].map(([, option]) => option);
    assert.equal(listed.sort(), options.filter((option) => !common.includes(option)).sort(), verb);
  }
});

test("links between documents lead to files", () => {
  const missing = all.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)]
      .filter(([, target]) => !existsSync(join(root, dirname(path), target)))
      .map(([, target]) => `${path} links to ${target}`),
  );
  assert.equal(missing, []);
});

test("every npm script that a document names exists", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const { path, text } of all)
    for (const [, name] of text.matchAll(/npm run (?:--\w+ )*([a-z:]+)/g))
      assert.ok(scripts[name], `${path}: npm run ${name}`);
});

/** Files below a folder, relative to it. */
function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    if (name === "generated") return [];
    if (!statSync(join(root, folder, name)).isDirectory()) return name.endsWith(".ts") ? [name] : [];
    return filesBelow(join(folder, name)).map((file) => `${name}/${file}`);
  });
}

/** Files that docs/architecture.md lists, as paths below assembly/ or src/. */
function mapped(): string[] {
  const map = page("docs/architecture.md").split("## Map")[1].split("### The rest")[0];
  let folder = "";
  return map.split("\n").flatMap((line) => {
    const head = /^(?:### (assembly|src)\/|\| ([a-z]+)\/ \|)/.exec(line);
    if (head) folder = head[1] ?? `src/${head[2]}`;
    const [, files = ""] = /^\| (`[^|]*) \|/.exec(line) ?? [];
    return [...files.matchAll(/`([\w./-]+\.ts)`/g)].map(([, file]) => `${folder}/${file}`);
  });
}

test("the map in docs/architecture.md names every source file once, and no other", () => {
  const present = ["assembly", "src"].flatMap((folder) => filesBelow(folder).map((file) => `${folder}/${file}`));
  const listed = mapped();
  const lacking = present.filter((file) => !listed.includes(file));
  const gone = listed.filter((file, i) => !present.includes(file) || listed.indexOf(file) !== i);
  assert.equal({ lacking, gone }, { lacking: [], gone: [] });
});

test("every section of the method that a comment cites exists", () => {
  const headings = new Set([...page("docs/method.md").matchAll(/^#+ (\d+(?:\.\d+)?)\.? /gm)].map(([, n]) => n));
  for (const file of filesBelow("src").map((path) => join(root, "src", path))) {
    for (const [, section] of readFileSync(file, "utf8").matchAll(/spec §(\d+(?:\.\d+)?)/g))
      assert.ok(headings.has(section), `${file} cites section ${section}`);
  }
});
