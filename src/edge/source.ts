import { DataError } from "../errors.js";
import { builtin } from "../runtime/host-worker.js";

/** Where a bundle is: its bytes, or an address; outside of browsers also the path of a file. */
export type BundleSource = URL | string | Uint8Array | ArrayBuffer;

/** Bytes of a source, and what to call it. @throws DataError if nothing can be read there */
export async function readSource(source: BundleSource): Promise<{ bytes: Uint8Array; label: string }> {
  if (source instanceof Uint8Array) return { bytes: source, label: "the bundle" };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source), label: "the bundle" };
  const label = String(source);
  try {
    const files = filesFor(source);
    return { bytes: files ? files.readFileSync(pathOf(source)) : await download(label), label };
  } catch (error) {
    const reason = (error as Error).message;
    throw new DataError(`loadEncoder: ${label} cannot be read: ${reason}. Check the address, or pass the bytes.`, {
      cause: error,
    });
  }
}

interface Files {
  readFileSync(path: URL | string): Uint8Array;
}

/** The host's files, if the source is one of them; pages and their workers have addresses only, also relative ones. */
function filesFor(source: URL | string): Files | undefined {
  const namesFile =
    source instanceof URL ? source.protocol === "file:" : /^file:/i.test(source) || !SCHEME.test(source);
  return namesFile && !("document" in globalThis) ? builtin<Files>("node:fs") : undefined;
}

/** Two letters at least, since one is a drive. */
const SCHEME = /^[a-z][a-z0-9+.-]+:/i;

const pathOf = (source: URL | string) =>
  typeof source === "string" && /^file:/i.test(source) ? new URL(source) : source;

async function download(address: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`the server answers ${response.status} ${response.statusText}`.trimEnd());
  return new Uint8Array(await response.arrayBuffer());
}
