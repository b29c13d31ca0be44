/** Of the limits of a memory: it has a maximum, and it has one and can be shared. */
const LIMITED = 0x01;
const SHARED = 0x03;

const IMPORT_SECTION = 2;
const MEMORY_IMPORT = 2;

/**
 * A module whose first import is a memory, made to import one that threads can share, or one that they cannot. The two
 * differ in one byte, since kernels use no atomic instruction; so one module serves both kinds of host.
 *
 * @param wasm  a module as this package builds it; anything else comes back as it is
 * @returns the bytes themselves, or a changed copy
 */
export function withMemoryImport(wasm: Uint8Array, shared: boolean): Uint8Array {
  const at = limitsOfMemory(wasm);
  if (at === null || (wasm[at] !== LIMITED && wasm[at] !== SHARED)) return wasm;
  const flag = shared ? SHARED : LIMITED;
  if (wasm[at] === flag) return wasm;
  const changed = wasm.slice();
  changed[at] = flag;
  return changed;
}

/** Where the limits of the first import stand, if that is a memory. */
function limitsOfMemory(wasm: Uint8Array): number | null {
  let at = 8; // behind magic and version
  const number = () => {
    let value = 0;
    for (let shift = 0; at < wasm.length; shift += 7) {
      const byte = wasm[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < wasm.length) {
    const id = wasm[at++];
    const size = number();
    if (id !== IMPORT_SECTION) {
      at += size;
      continue;
    }
    const imports = number();
    if (imports === 0) return null;
    for (let names = 0; names < 2; names++) {
      const length = number();
      at += length;
    }
    return wasm[at] === MEMORY_IMPORT ? at + 1 : null;
  }
  return null;
}
