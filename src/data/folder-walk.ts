import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../errors.js";
import { hintOnName, printable } from "./printable.js";

export interface FolderEntry {
  readonly name: string;
  /** What the name leads to, after following links; null for a broken link, a loop of links, a device. */
  readonly kind: "folder" | "file" | null;
}

export interface FoundFile {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  /** First sub-folder of the root on the way to the file; null for a file that lies in the root itself. */
  readonly className: string | null;
}

/**
 * Entries in order of their names, without those that start with a dot.
 *
 * @throws DataError if the folder is not there or cannot be read
 */
export function listFolder(folder: string): FolderEntry[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith("."))
      .map((entry) => ({
        name: entry.name,
        kind: kindOf(entry.isSymbolicLink() ? follow(join(folder, entry.name)) : entry),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw unreadable(folder, error);
  }
}

function unreadable(folder: string, error: unknown): DataError {
  const { code } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: folder.includes("\ufffd") ? `cannot be read. ${hintOnName(folder)}` : "does not exist. Check the path.",
    ENOTDIR: "is not a folder. Check the path.",
    ENAMETOOLONG: "cannot be read: its path is longer than this system allows. Give folders on the way shorter names.",
  };
  const reason = reasons[code ?? ""] ?? `cannot be read (${code}). Check the path.`;
  return new DataError(`folder: ${printable(folder)} ${reason}`, { cause: error });
}

/** Without links. */
function realPath(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (error) {
    throw unreadable(folder, error);
  }
}

function follow(link: string): Stats | null {
  try {
    return statSync(link);
  } catch {
    return null;
  }
}

function kindOf(entry: Dirent | Stats | null): FolderEntry["kind"] {
  return entry?.isDirectory() ? "folder" : entry?.isFile() ? "file" : null;
}

/**
 * All files below the given sub-folders, in the order of their paths by UTF-16 code units; every real folder once, which also cuts
 * loops of links.
 *
 * @param roots  sub-folders of `folder`; "" is the folder itself
 */
export function findFiles(folder: string, roots: readonly string[] = [""]): FoundFile[] {
  const files: FoundFile[] = [];
  const visited = new Set<string>();
  for (const root of roots) {
    const pending = [{ path: root, className: null as string | null }];
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      const { path, className } = entry;
      const real = realPath(join(folder, path));
      if (visited.has(real)) continue;
      visited.add(real);
      for (const { name, kind } of listFolder(join(folder, path)).reverse()) {
        const child = path === "" ? name : `${path}/${name}`;
        if (kind === "folder") pending.push({ path: child, className: className ?? name });
        else if (kind === "file") files.push({ path: child, className });
      }
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}
