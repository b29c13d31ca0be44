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
    return { bytes: isFile(source) ? readFile(source) : await download(label), label };
  } catch (error) {
    throw new DataError(`loadEncoder: ${label} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

/** A page has addresses only, also relative ones. */
function isFile(source: URL | string): boolean {
  if (typeof globalThis.document !== "undefined") return false;
  return source instanceof URL
    ? source.protocol === "file:"
    : !/^[a-z][a-z0-9+.-]+:/i.test(source) || /^file:/i.test(source);
}

function readFile(source: URL | string): Uint8Array {
  const fs = builtin<{ readFileSync: (path: URL | string) => Uint8Array }>("node:fs");
  if (!fs) throw new Error("this host opens no files here; read it yourself and pass its bytes");
  const path = typeof source === "string" && /^file:/i.test(source) ? new URL(source) : source;
  return fs.readFileSync(path);
}

async function download(address: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`the server answers ${response.status} ${response.statusText}`.trimEnd());
  return new Uint8Array(await response.arrayBuffer());
}
