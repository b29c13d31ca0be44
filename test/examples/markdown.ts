import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const root = fileURLToPath(new URL("../../..", import.meta.url));

/** A document of the repository. */
export interface Document {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block of a document. */
export interface FencedBlock {
  /** "README.md:42", where the block begins. */
  readonly place: string;
  /** What stands behind the opening fence: ts, sh, … */
  readonly language: string;
  readonly code: string;
}

/** Every Markdown document that a reader is meant to read. */
export function documents(): Document[] {
  const pages = ["docs", "docs/guides"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".md"))
      .sort()
      .map((name) => `${folder}/${name}`),
  );
  const paths = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...pages];
  return paths
    .filter((path) => existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/** The fenced blocks of a document in order. */
export function fencedBlocks({ path, text }: Document): FencedBlock[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(({ 1: language, 2: code, index }) => ({
    place: `${path}:${text.slice(0, index).split("\n").length}`,
    language,
    code,
  }));
}

/** Calls of the program in a shell block: the words behind `poa`, comments cut off. */
export function programCalls({ language, code }: FencedBlock): string[][] {
  if (language !== "sh") return [];
  return code
    .split("\n")
    .filter((line) => line.startsWith("poa "))
    .map((line) =>
      line
        .replace(/\s#.*$/, "")
        .trim()
        .split(/\s+/)
        .slice(1),
    );
}
