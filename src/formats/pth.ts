import { FormatError } from "../errors.js";
import { PickleGlobal, readPickle } from "./pickle.js";
import { arrayOf, elementBytes, type SafetensorsFile, type StoredDType, type StoredTensor } from "./safetensors.js";
import { readStoredZip, ZIP_SIGNATURE } from "./zip.js";

/** A stretch of numbers that tensors are views of. */
class PthStorage {
  readonly dtype: StoredDType;
  readonly data: Uint8Array;

  constructor(dtype: StoredDType, data: Uint8Array) {
    this.dtype = dtype;
    this.data = data;
  }
}

/** A tensor as the pickle describes it: a view of a storage. Offset and strides count elements. */
class PthTensor {
  readonly storage: PthStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: PthStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

const STORAGES: Readonly<Record<string, StoredDType>> = {
  ...{ DoubleStorage: "F64", FloatStorage: "F32", HalfStorage: "F16", BFloat16Storage: "BF16", LongStorage: "I64" },
  ...{ IntStorage: "I32", ShortStorage: "I16", CharStorage: "I8", ByteStorage: "U8", BoolStorage: "BOOL" },
};

const MOST_AXES = 64;
const DEEPEST_NESTING = 64;
const LONGEST_NAME = 1000;

type Refuse = (reason: string) => never;

/** Whether a file starts like an archive, as `torch.save` writes one. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true) === ZIP_SIGNATURE;
}

/** Whether a file starts like a bare pickle, which `torch.save` wrote before PyTorch 1.6. */
export function isBarePickle(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5;
}

/**
 * The tensors of a file that `torch.save` of PyTorch 1.6 or later wrote, without running what is in it: its pickle is read by
 * an allow-list, every length is checked against the file, and what the result takes is bounded by the size of the file.
 *
 * @param bytes  the whole file
 * @param label  what to call it in an error, usually its path
 * @returns tensors by name, dicts and lists within each other joined by dots (`teacher.backbone.cls_token`); numbers, strings
 *   and other values are left out. A dense tensor is a view of `bytes` where alignment allows, every other a copy.
 * @throws FormatError naming the label and what is refused
 */
export function readPth(bytes: Uint8Array, label: string): SafetensorsFile {
  const refuse: Refuse = (reason) => {
    throw new FormatError(
      `readPth: ${label} is refused: ${reason}. Save its tensors alone, by torch.save(model.state_dict(), ...) or as safetensors.`,
    );
  };
  if (isBarePickle(bytes))
    refuse(
      "it is in the format before PyTorch 1.6, a bare pickle; a newer torch.load and torch.save turn it into an archive",
    );
  const files = readStoredZip(bytes, label);
  const root = rootOf(files, refuse);
  const pickle = files.get(`${root}data.pkl`)!;
  const value = readPickle(pickle, {
    label,
    globals: allowedGlobals(refuse),
    persistent: (id) => storageOf(id, (key) => files.get(`${root}data/${key}`), refuse),
  });
  const tensors = new Map<string, StoredTensor>();
  let copied = 0;
  for (const [name, tensor] of tensorsIn(value, pickle.length, refuse)) {
    if (tensors.has(name)) refuse(`two tensors are called ${JSON.stringify(name)}`);
    const stored = denseView(tensor) ?? denseCopy(tensor);
    if (stored.data.buffer !== bytes.buffer) copied += stored.data.byteLength;
    if (copied > bytes.length) refuse("its tensors overlap, and take more memory than the file");
    tensors.set(name, stored);
  }
  return { tensors, metadata: new Map() };
}

/** The folder within the archive that holds everything, with a slash. */
function rootOf(files: ReadonlyMap<string, Uint8Array>, refuse: Refuse): string {
  const pickles = [...files.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) refuse(`an archive of PyTorch has one data.pkl, this one ${pickles.length}`);
  const root = pickles[0].slice(0, -"data.pkl".length);
  if (files.has(`${root}constants.pkl`)) refuse("it is a TorchScript archive, which holds code");
  const order = files.get(`${root}byteorder`);
  if (order && String.fromCharCode(...order.subarray(0, 16)) !== "little") refuse("its numbers are big-endian");
  return root;
}

function allowedGlobals(refuse: Refuse): ReadonlyMap<string, PickleGlobal> {
  const storages = Object.keys(STORAGES).map((name) => new PickleGlobal(`torch.${name}`, null));
  const functions = [
    new PickleGlobal("collections.OrderedDict", (args) => {
      if (args.length > 0) refuse("an OrderedDict is made with arguments");
      return new Map();
    }),
    new PickleGlobal("torch._utils._rebuild_tensor_v2", (args) => tensorOf(args, refuse)),
    new PickleGlobal("torch._utils._rebuild_parameter", ([tensor]) => tensor),
  ];
  return new Map([...storages, ...functions].map((global) => [global.name, global]));
}

/** The storage of ('storage', type, key, device, elements). */
function storageOf(id: unknown, fileOf: (key: string) => Uint8Array | undefined, refuse: Refuse): PthStorage {
  const [kind, type, key, , count] = Array.isArray(id) ? id : [];
  const dtype = type instanceof PickleGlobal ? STORAGES[type.name.slice("torch.".length)] : undefined;
  if (kind !== "storage" || !dtype || typeof key !== "string")
    return refuse("a persistent id is not that of a storage of numbers");
  const data = fileOf(key);
  if (!data) return refuse(`storage ${JSON.stringify(key.slice(0, 100))} is not in the archive`);
  if (!isCount(count) || data.length !== count * elementBytes[dtype])
    return refuse(`storage ${key} has ${data.length} bytes, not those of ${String(count)} ${dtype}`);
  return new PthStorage(dtype, data);
}

/** The tensor of (storage, offset, shape, strides, ...), which must lie within its storage. */
function tensorOf([storage, offset, shape, strides]: readonly unknown[], refuse: Refuse): PthTensor {
  if (!(storage instanceof PthStorage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides))
    return refuse("a tensor is described by something other than storage, offset, shape and strides");
  if (shape.length !== strides.length || shape.length > MOST_AXES)
    return refuse(`a tensor has ${shape.length} extents and ${strides.length} strides`);
  const count = shape.reduce((product, extent) => product * extent, 1);
  const held = storage.data.length / elementBytes[storage.dtype];
  const last = shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis], offset);
  if (offset > held || count > held || (count > 0 && last >= held))
    return refuse(`a tensor [${shape.join(", ")}] is larger than its storage of ${held} elements`);
  return new PthTensor(storage, offset, shape, strides);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}

/** Tensors with their names. A pickle can name one dict in many places, so what is visited is bounded by its length. */
function* tensorsIn(value: unknown, most: number, refuse: Refuse): Generator<[string, PthTensor]> {
  let visited = 0;
  function* visit(item: unknown, name: string, depth: number): Generator<[string, PthTensor]> {
    if (++visited > most) refuse("its dicts name each other too often");
    if (depth > DEEPEST_NESTING) refuse("its dicts are nested too deeply");
    if (name.length > LONGEST_NAME) refuse(`the name ${name.slice(0, 100)}... is too long`);
    if (item instanceof PthTensor) yield [name, item];
    const children = item instanceof Map || Array.isArray(item) ? item.entries() : [];
    for (const [key, child] of children) yield* visit(child, name === "" ? `${key}` : `${name}.${key}`, depth + 1);
  }
  yield* visit(value, "", 0);
}

/** A tensor whose elements stand in row-major order, as a view of the file; null if they do not, or are not aligned. */
function denseView({ storage, offset, shape, strides }: PthTensor): StoredTensor | null {
  const { dtype, data } = storage;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return null;
    expected *= shape[axis];
  }
  const begin = data.byteOffset + offset * elementBytes[dtype];
  if (begin % elementBytes[dtype] !== 0) return null;
  return { dtype, shape, data: new arrayOf[dtype](data.buffer as ArrayBuffer, begin, expected) };
}

function denseCopy({ storage, offset, shape, strides }: PthTensor): StoredTensor {
  const { dtype, data } = storage;
  const size = elementBytes[dtype];
  const count = shape.reduce((product, extent) => product * extent, 1);
  const bytes = new Uint8Array(count * size);
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let i = 0; i < count; i++) {
    for (let byte = 0; byte < size; byte++) bytes[i * size + byte] = data[from * size + byte];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return { dtype, shape, data: new arrayOf[dtype](bytes.buffer) };
}
