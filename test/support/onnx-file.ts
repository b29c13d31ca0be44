import * as assert from "uvu/assert";

/** A field of a protocol-buffers message: a number for varints and floats, else bytes. */
interface Field {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/** Every field of a message, in order; anything that is not well-formed to the last byte is refused. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      assert.ok(at < bytes.length && shift < 70n, "a number runs past its message");
      const byte = BigInt(bytes[at++]);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return Number(BigInt.asIntN(64, value));
    }
  };
  const fields: Field[] = [];
  while (at < bytes.length) {
    const key = varint();
    const [number, wire] = [Math.floor(key / 8), key % 8];
    assert.ok(number > 0, "field numbers start at 1");
    if (wire === 0) fields.push({ number, value: varint() });
    else if (wire === 5) {
      assert.ok(at + 4 <= bytes.length, "a float runs past its message");
      fields.push({ number, value: view.getFloat32(at, true) });
      at += 4;
    } else {
      assert.is(wire, 2, `field ${number} has wire type ${wire}`);
      const length = varint();
      assert.ok(length >= 0 && at + length <= bytes.length, `field ${number} runs past its message`);
      fields.push({ number, value: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return fields;
}

/** Fields by the names that onnx.proto has for their numbers; others are refused. */
function named(bytes: Uint8Array, names: Readonly<Record<number, string>>): (name: string) => (number | Uint8Array)[] {
  const found = new Map<string, (number | Uint8Array)[]>();
  for (const { number, value } of fieldsOf(bytes)) {
    const name = names[number];
    assert.ok(name, `field ${number} is unknown`);
    found.set(name, [...(found.get(name) ?? []), value]);
  }
  return (name) => found.get(name) ?? [];
}

const text = (value: number | Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(value as Uint8Array);
const only = <T>(values: readonly T[]): T => {
  assert.is(values.length, 1, "a field that must be there once");
  return values[0];
};

export interface OnnxTensor {
  readonly type: number;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, number | readonly number[]>;
}

export interface OnnxFile {
  readonly irVersion: number;
  readonly opset: number;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  readonly inputs: ReadonlyMap<string, readonly (number | string)[]>;
  readonly outputs: ReadonlyMap<string, readonly (number | string)[]>;
}

/** Bytes of an element, by TensorProto.DataType: FLOAT, INT64, FLOAT16. */
const elementBytes: Readonly<Record<number, number>> = { 1: 4, 7: 8, 10: 2 };

/**
 * Reads an ONNX file strictly: only fields that a model of this library needs, tensors as long as their shapes say, nodes in
 * an order in which they can be computed, each value made once, each weight used.
 */
export function readOnnx(bytes: Uint8Array): OnnxFile {
  const model = named(bytes, { 1: "ir", 2: "producer", 3: "version", 7: "graph", 8: "opset", 14: "metadata" });
  const opset = named(only(model("opset")) as Uint8Array, { 1: "domain", 2: "version" });
  assert.is(text(only(opset("domain"))), "");
  const graph = named(only(model("graph")) as Uint8Array, {
    ...{ 1: "node", 2: "name", 5: "initializer", 11: "input", 12: "output" },
  });
  const file: OnnxFile = {
    irVersion: only(model("ir")) as number,
    opset: only(opset("version")) as number,
    producer: text(only(model("producer"))),
    metadata: new Map(model("metadata").map(entryOf)),
    nodes: graph("node").map(nodeOf),
    initializers: new Map(graph("initializer").map(tensorOf)),
    inputs: new Map(graph("input").map(valueInfoOf)),
    outputs: new Map(graph("output").map(valueInfoOf)),
  };
  assert.is(file.initializers.size, graph("initializer").length, "two tensors of one name");
  expectComputable(file);
  return file;
}

function entryOf(bytes: number | Uint8Array): [string, string] {
  const entry = named(bytes as Uint8Array, { 1: "key", 2: "value" });
  return [text(only(entry("key"))), text(only(entry("value")))];
}

function nodeOf(bytes: number | Uint8Array): OnnxNode {
  const node = named(bytes as Uint8Array, { 1: "input", 2: "output", 3: "name", 4: "op", 5: "attribute" });
  return {
    op: text(only(node("op"))),
    inputs: node("input").map(text),
    outputs: node("output").map(text),
    attributes: new Map(node("attribute").map(attributeOf)),
  };
}

/** AttributeProto.type beside the one field that it names. */
function attributeOf(bytes: number | Uint8Array): [string, number | readonly number[]] {
  const attribute = named(bytes as Uint8Array, { 1: "name", 2: "f", 3: "i", 8: "ints", 20: "type" });
  const name = text(only(attribute("name")));
  const field = { 1: "f", 2: "i", 7: "ints" }[only(attribute("type")) as number]!;
  const present = ["f", "i", "ints"].filter((kind) => attribute(kind).length > 0);
  assert.equal(present, [field], `attribute ${name}`);
  return [name, field === "ints" ? (attribute("ints") as number[]) : (only(attribute(field)) as number)];
}

function tensorOf(bytes: number | Uint8Array): [string, OnnxTensor] {
  const tensor = named(bytes as Uint8Array, { 1: "dims", 2: "type", 8: "name", 9: "raw" });
  const [name, dims] = [text(only(tensor("name"))), tensor("dims") as number[]];
  const type = only(tensor("type")) as number;
  const raw = only(tensor("raw")) as Uint8Array;
  assert.is(raw.length, elementBytes[type] * dims.reduce((product, length) => product * length, 1), name);
  return [name, { type, dims, bytes: raw }];
}

function valueInfoOf(bytes: number | Uint8Array): [string, (number | string)[]] {
  const info = named(bytes as Uint8Array, { 1: "name", 2: "type" });
  const type = named(only(info("type")) as Uint8Array, { 1: "tensor" });
  const tensor = named(only(type("tensor")) as Uint8Array, { 1: "element", 2: "shape" });
  assert.is(only(tensor("element")), 1, "f32");
  const shape = named(only(tensor("shape")) as Uint8Array, { 1: "dim" });
  const dims = shape("dim").map((dim) => {
    const length = named(dim as Uint8Array, { 1: "value", 2: "param" });
    return length("param").length > 0 ? text(only(length("param"))) : (only(length("value")) as number);
  });
  return [text(only(info("name"))), dims];
}

function expectComputable({ nodes, initializers, inputs, outputs }: OnnxFile): void {
  const known = new Set([...inputs.keys(), ...initializers.keys()]);
  assert.is(known.size, inputs.size + initializers.size, "an input and a weight of one name");
  const used = new Set<string>();
  for (const node of nodes) {
    for (const input of node.inputs) {
      assert.ok(known.has(input), `${node.op} reads ${input} before it is there`);
      used.add(input);
    }
    for (const output of node.outputs) {
      assert.not.ok(known.has(output), `${output} is made twice`);
      known.add(output);
    }
  }
  for (const name of [...inputs.keys(), ...initializers.keys()]) assert.ok(used.has(name), `${name} is not used`);
  for (const name of outputs.keys()) assert.ok(known.has(name), `${name} is not made`);
}
