import { decoderModule } from "./decoder-module.js";

/** Pixel formats of the TurboJPEG interface, by number of components that they deliver. */
const pixelFormats = { 1: 6 /* TJPF_GRAY */, 3: 0 /* TJPF_RGB */, 4: 11 /* TJPF_CMYK */ } as const;

/** An instance whose memory has grown beyond this is given up after use, since wasm memory never shrinks. */
const KEEP_BYTES = 64 * 2 ** 20;

/** The decoder's verdict on data that it could not follow. */
export class JpegCorrupt extends Error {
  override readonly name = "JpegCorrupt";
}

interface Codec {
  readonly memory: WebAssembly.Memory;
  malloc(size: number): number;
  free(pointer: number): void;
  tjInitDecompress(): number;
  tjDestroy(handle: number): number;
  tjDecompress2(
    handle: number,
    source: number,
    sourceBytes: number,
    target: number,
    width: number,
    pitch: number,
    height: number,
    pixelFormat: number,
    flags: number,
  ): number;
}

let compiled: WebAssembly.Module | null = null;
let kept: Codec | null = null;

/**
 * Decodes a JPEG file with libjpeg-turbo (the wasm build of the package @cwasm/jpeg-turbo; accurate DCT, smooth chroma upsampling).
 * The package's own `decode` is not used: it always asks for RGBA, which CMYK files cannot give, and goes on with an instance whose
 * stack a failed decode has left in disorder.
 *
 * @param bytes  a complete file that `readJpegHeader` has accepted
 * @param width  of the header
 * @param height  of the header
 * @param components  1, 3 or 4
 * @returns [height, width, components]: grey, RGB or CMYK as stored
 * @throws JpegCorrupt if the compressed data has errors or the image needs more memory than wasm has
 */
export function decodeJpegTurbo(bytes: Uint8Array, width: number, height: number, components: 1 | 3 | 4): Uint8Array {
  const codec = kept ?? instantiate();
  kept = null; // put back only after a decode that left it in order
  try {
    const pixels = run(codec, bytes, width, height, components);
    if (codec.memory.buffer.byteLength <= KEEP_BYTES) kept = codec;
    return pixels;
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw new JpegCorrupt(`the decoder failed (${error.message})`);
    throw error;
  }
}

function run(codec: Codec, bytes: Uint8Array, width: number, height: number, components: 1 | 3 | 4): Uint8Array {
  const source = allocate(codec, bytes.length);
  new Uint8Array(codec.memory.buffer, source, bytes.length).set(bytes);
  const outputBytes = width * height * components;
  const target = allocate(codec, outputBytes);
  const handle = codec.tjInitDecompress();
  if (handle === 0) throw new JpegCorrupt("no memory for the decoder");
  const format = pixelFormats[components];
  const status = codec.tjDecompress2(
    handle,
    source,
    bytes.length,
    target,
    width,
    width * components,
    height,
    format,
    0,
  );
  if (status !== 0) throw new JpegCorrupt("its compressed data is damaged");
  const pixels = new Uint8Array(codec.memory.buffer, target, outputBytes).slice();
  codec.tjDestroy(handle);
  codec.free(source);
  codec.free(target);
  return pixels;
}

function allocate(codec: Codec, size: number): number {
  const pointer = codec.malloc(size);
  if (pointer === 0) throw new JpegCorrupt(`the decoder has no memory for ${size} bytes`);
  return pointer;
}

function instantiate(): Codec {
  compiled ??= decoderModule("@cwasm/jpeg-turbo/jpeg-turbo.wasm");
  const stop = (): never => {
    throw new JpegCorrupt("its compressed data cannot be decoded");
  };
  const system = {
    environ_sizes_get: () => 0,
    environ_get: stop,
    proc_exit: stop,
    fd_close: stop,
    fd_seek: stop,
    fd_write: stop,
  };
  // The library reports a fatal error by longjmp, which becomes an exception that discards the instance.
  const env = { setjmp: () => 0, longjmp: stop };
  return new WebAssembly.Instance(compiled, { env, wasi_snapshot_preview1: system }).exports as unknown as Codec;
}
