// Writes the smallest ONNX models that there are: a few nodes, all inputs given at run time. Field numbers are those of onnx.proto.
const FLOAT = 1;
const INT = 2; // attribute types
const INTS = 7;

function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return bytes;
}

const number = (field, value) => [...varint(field << 3), ...varint(value)];
const bytes = (field, content) => [...varint((field << 3) | 2), ...varint(content.length), ...content];
const text = (field, value) => bytes(field, [...new TextEncoder().encode(value)]);
const float = (field, value) => [...varint((field << 3) | 5), ...new Uint8Array(new Float32Array([value]).buffer)];

function attribute(name, value) {
  if (Array.isArray(value)) {
    return [...text(1, name), ...value.flatMap((entry) => number(8, entry)), ...number(20, INTS)];
  }
  if (Number.isInteger(value)) return [...text(1, name), ...number(3, value), ...number(20, INT)];
  return [...text(1, name), ...float(2, value), ...number(20, FLOAT)];
}

function tensorInfo(name, shape) {
  const dims = shape.flatMap((size) => bytes(1, number(1, size)));
  const type = bytes(1, [...number(1, FLOAT), ...bytes(2, dims)]);
  return [...text(1, name), ...bytes(2, type)];
}

/**
 * A model whose inputs are all float tensors.
 *
 * @param inputs  shapes by name
 * @param nodes  { op, inputs, output, attributes }; the last output is the model's
 * @param shape  of the output
 */
export function model(inputs, nodes, shape) {
  const node = ({ op, inputs: from, output, attributes = {} }) => [
    ...from.flatMap((name) => text(1, name)),
    ...text(2, output),
    ...text(4, op),
    ...Object.entries(attributes).flatMap(([name, value]) => bytes(5, attribute(name, value))),
  ];
  const graph = [
    ...nodes.flatMap((entry) => bytes(1, node(entry))),
    ...text(2, "graph"),
    ...Object.entries(inputs).flatMap(([name, size]) => bytes(11, tensorInfo(name, size))),
    ...bytes(12, tensorInfo(nodes.at(-1).output, shape)),
  ];
  const opset = [...text(1, ""), ...number(2, 20)];
  return Uint8Array.from([...number(1, 9), ...bytes(7, graph), ...bytes(8, opset)]);
}
