import { ConfigError } from "../../errors.js";
import { ProtobufMessage } from "../../formats/protobuf-message.js";
import { type ExportDType, halvesOf } from "../dtype.js";

/** A tensor of the graph, by its name. */
export type Value = string;

/** Versions of the operator set that can be written: 17 is the first with LayerNormalization, 20 that with Gelu. */
export type Opset = 17 | 20;

/** The version of the file format that came with each. */
const IR_VERSION: Readonly<Record<Opset, number>> = { 17: 8, 20: 9 };

/** TensorProto.DataType */
const FLOAT = 1;
const INT64 = 7;
const FLOAT16 = 10;

/** AttributeProto.AttributeType */
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

/** What protocol buffers can hold in one message. */
const LARGEST_FILE = 2 ** 31 - 1;

/** Whole numbers, unless they say that they are not. */
export type Attribute = number | readonly number[] | { readonly float: number };

/** A length, or the name of one that is open. */
export type Dimension = number | string;

/** What a file says about itself. */
export interface ModelInfo {
  readonly name: string;
  readonly producerVersion: string;
  readonly metadata: ReadonlyMap<string, string>;
}

/** An ONNX graph under construction. Field numbers are those of onnx.proto. */
export class Graph {
  readonly opset: Opset;
  readonly dtype: ExportDType;
  private readonly graph = new ProtobufMessage();
  private readonly constants = new Map<string, Value>();
  private readonly names = new Map<string, number>();
  private path = "";

  /** @param options.dtype  of weights with two axes or more; everything is computed in f32 */
  constructor({ opset, dtype }: { opset: Opset; dtype: ExportDType }) {
    this.opset = opset;
    this.dtype = dtype;
  }

  /** Adds a part of the network; names of what it adds begin with its path. */
  within<T>(name: string, part: () => T): T {
    const outer = this.path;
    this.path = this.full(name);
    try {
      return part();
    } finally {
      this.path = outer;
    }
  }

  input(name: string, shape: readonly Dimension[]): Value {
    this.graph.message(11, valueInfo(name, shape));
    return name;
  }

  output(name: string, from: Value, shape: readonly Dimension[]): void {
    this.addNode("Identity", [from], [name], {});
    this.graph.message(12, valueInfo(name, shape));
  }

  /** An operator with one result. */
  node(op: string, inputs: readonly Value[], attributes: Readonly<Record<string, Attribute>> = {}): Value {
    const output = this.unique(op);
    this.addNode(op, inputs, [output], attributes);
    return output;
  }

  /** Parts of the given sizes along the last axis. */
  split(x: Value, sizes: readonly number[]): Value[] {
    const outputs = sizes.map(() => this.unique("Split"));
    this.addNode("Split", [x, this.ints(sizes)], outputs, { axis: -1 });
    return outputs;
  }

  /** Numbers of the network. @throws NumericError if they do not fit the file's type */
  weight(name: string, shape: readonly number[], data: Float32Array): Value {
    if (this.dtype === "f32" || shape.length < 2) return this.vector(name, shape, data);
    const full = this.full(name);
    this.graph.message(5, tensor(full, FLOAT16, shape, halvesOf(full, data)));
    return this.node("Cast", [full], { to: FLOAT });
  }

  /** Few numbers, which stay f32. */
  vector(name: string, shape: readonly number[], data: Float32Array): Value {
    const full = this.full(name);
    this.graph.message(5, tensor(full, FLOAT, shape, data));
    return full;
  }

  /** One number, the same wherever it is used. */
  scalar(value: number): Value {
    return this.constant(`scalar ${value}`, (name) => tensor(name, FLOAT, [], Float32Array.of(value)));
  }

  /** A list of whole numbers, the same wherever it is used. */
  ints(values: readonly number[]): Value {
    const data = () => BigInt64Array.from(values, BigInt);
    return this.constant(`ints ${values.join()}`, (name) => tensor(name, INT64, [values.length], data()));
  }

  /** One whole number without an axis. */
  int(value: number): Value {
    return this.constant(`int ${value}`, (name) => tensor(name, INT64, [], BigInt64Array.of(BigInt(value))));
  }

  /** The file. @throws ConfigError if it would be larger than the format allows */
  finish({ name, producerVersion, metadata }: ModelInfo): Uint8Array {
    this.graph.text(2, name);
    const file = new ProtobufMessage().whole(1, IR_VERSION[this.opset]).text(2, "poa").text(3, producerVersion);
    file.message(7, this.graph).message(8, new ProtobufMessage().text(1, "").whole(2, this.opset));
    for (const [key, value] of metadata) file.message(14, new ProtobufMessage().text(1, key).text(2, value));
    if (file.length > LARGEST_FILE)
      throw new ConfigError(`onnx: the file would have ${file.length} bytes, and the format ends at 2 GiB. Use f16.`);
    return file.bytes();
  }

  private addNode(
    op: string,
    inputs: readonly Value[],
    outputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>>,
  ): void {
    const node = new ProtobufMessage();
    for (const input of inputs) node.text(1, input);
    for (const output of outputs) node.text(2, output);
    node.text(3, outputs[0]).text(4, op);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value));
    this.graph.message(1, node);
  }

  private constant(key: string, make: (name: string) => ProtobufMessage): Value {
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const name = `constant_${this.constants.size}`;
    this.constants.set(key, name);
    this.graph.message(5, make(name));
    return name;
  }

  private full(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  private unique(op: string): string {
    const base = this.path === "" ? op : `${this.path}/${op}`;
    const count = this.names.get(base) ?? 0;
    this.names.set(base, count + 1);
    return count === 0 ? base : `${base}_${count}`;
  }
}

function attribute(name: string, value: Attribute): ProtobufMessage {
  const message = new ProtobufMessage().text(1, name);
  if (typeof value === "number") return message.whole(3, value).whole(20, ATTRIBUTE_INT);
  if ("float" in value) return message.float(2, value.float).whole(20, ATTRIBUTE_FLOAT);
  return wholes(message, 8, value).whole(20, ATTRIBUTE_INTS);
}

function tensor(name: string, type: number, shape: readonly number[], data: ArrayBufferView): ProtobufMessage {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return wholes(new ProtobufMessage(), 1, shape).whole(2, type).text(8, name).raw(9, bytes);
}

/** A list of whole numbers, one field for each. */
function wholes(message: ProtobufMessage, field: number, values: readonly number[]): ProtobufMessage {
  for (const value of values) message.whole(field, value);
  return message;
}

function valueInfo(name: string, shape: readonly Dimension[]): ProtobufMessage {
  const dimensions = new ProtobufMessage();
  for (const size of shape)
    dimensions.message(
      1,
      typeof size === "number" ? new ProtobufMessage().whole(1, size) : new ProtobufMessage().text(2, size),
    );
  const type = new ProtobufMessage().message(1, new ProtobufMessage().whole(1, FLOAT).message(2, dimensions));
  return new ProtobufMessage().text(1, name).message(2, type);
}
