import type { ResNet } from "../../models/resnet.js";
import { cellsOf, patchesOf } from "../../models/token-grid.js";
import type { Conv2d } from "../../nn/conv.js";
import { type BasicBlock, Bottleneck, type MapNorm, type ResidualBlock } from "../../nn/residual-block.js";
import type { GraphFeatures, GraphOptions } from "./features.js";
import type { Graph, Value } from "./graph.js";
import { gatherRows, parameter, reshape, transpose } from "./operators.js";

/** A map of the graph [B, C, side, side]. */
interface ImageMap {
  readonly value: Value;
  readonly channels: number;
  readonly side: number;
}

/** A ResNet for images of one size [B, C, S, S]. */
export function resnetFeatures(
  g: Graph,
  images: Value,
  resnet: ResNet,
  { side, patchTokens }: GraphOptions,
): GraphFeatures {
  const { conv1, norm1, stages, patchScale } = resnet;
  const stem = convNorm(
    g,
    { value: images, channels: conv1.weight.shape[1], side },
    ["conv1", conv1],
    ["norm1", norm1],
  );
  let x = halved(g, relu(g, stem));
  stages.forEach(({ layers }, s) => {
    layers.forEach((block, i) => {
      const input = x;
      x = g.within(`layer${s + 1}.layers.${i}`, () => residualBlock(g, input, block));
    });
  });
  const grid = { batch: 1, height: x.side, width: x.side, scale: patchScale };
  const all = Int32Array.from({ length: patchesOf(grid) }, (_, patch) => patch);
  return {
    embedding: g.node("Flatten", [g.node("GlobalAveragePool", [x.value])], { axis: 1 }),
    patchTokens: patchTokens ? patchesOfMap(g, x, patchScale === 1 ? null : cellsOf(all, grid)) : null,
    patches: all.length,
  };
}

/** Pixels of a map as rows [B, N, F], each as often as there are patches in it. */
function patchesOfMap(g: Graph, { value, channels, side }: ImageMap, cells: Int32Array | null): Value {
  const rows = transpose(g, reshape(g, value, [0, channels, side * side]), [0, 2, 1]);
  return cells ? gatherRows(g, rows, cells) : rows;
}

/** y = relu(branch(x) + shortcut(x)) */
function residualBlock(g: Graph, x: ImageMap, block: ResidualBlock): ImageMap {
  const convolutions = block instanceof Bottleneck ? bottleneckLayers(block) : basicLayers(block as BasicBlock);
  const { downsample } = block as Bottleneck | BasicBlock;
  const branch = convolutions.reduce(
    (y, [conv, norm], i) => convNorm(g, i === 0 ? y : relu(g, y), [`conv${i + 1}`, conv], [`norm${i + 1}`, norm]),
    x,
  );
  const shortcut = downsample ? convNorm(g, x, ["downsample.0", downsample[0]], ["downsample.1", downsample[1]]) : x;
  return relu(g, { ...branch, value: g.node("Add", [branch.value, shortcut.value]) });
}

type ConvNorm = readonly [Conv2d, MapNorm];

const bottleneckLayers = ({ conv1, norm1, conv2, norm2, conv3, norm3 }: Bottleneck): readonly ConvNorm[] => [
  [conv1, norm1],
  [conv2, norm2],
  [conv3, norm3],
];

const basicLayers = ({ conv1, norm1, conv2, norm2 }: BasicBlock): readonly ConvNorm[] => [
  [conv1, norm1],
  [conv2, norm2],
];

const relu = (g: Graph, x: ImageMap): ImageMap => ({ ...x, value: g.node("Relu", [x.value]) });

/** The largest of each 3×3 window, every other one. */
function halved(g: Graph, x: ImageMap): ImageMap {
  const value = g.node("MaxPool", [x.value], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  return { ...x, value, side: Math.ceil(x.side / 2) };
}

function convNorm(
  g: Graph,
  x: ImageMap,
  [convName, conv]: readonly [string, Conv2d],
  [normName, norm]: readonly [string, MapNorm],
): ImageMap {
  const y = g.within(convName, () => convolution(g, x, conv));
  return g.within(normName, () => ("groups" in norm ? groupNorm(g, y, norm) : batchNorm(g, y, norm)));
}

function convolution(g: Graph, { value, side }: ImageMap, conv: Conv2d): ImageMap {
  const { weight, bias, stride, padding, dilation, groups } = conv;
  const [channels, , kernel] = weight.shape;
  const inputs = [value, parameter(g, "weight", weight), ...(bias ? [parameter(g, "bias", bias)] : [])];
  const y = g.node("Conv", inputs, {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    dilations: [dilation, dilation],
    group: groups,
  });
  return { value: y, channels, side: conv.outputSide(side) };
}

/** No operator of these sets normalises groups of channels: each group becomes one channel and is normalised alone. */
function groupNorm(
  g: Graph,
  x: ImageMap,
  { weight, bias, groups, eps }: Extract<MapNorm, { groups: number }>,
): ImageMap {
  const { value, channels, side } = x;
  const ones = g.weight("ones", [groups], new Float32Array(groups).fill(1));
  const zeros = g.weight("zeros", [groups], new Float32Array(groups));
  const inputs = [reshape(g, value, [0, groups, -1]), ones, zeros];
  const normed = g.node("InstanceNormalization", inputs, { epsilon: { float: eps } });
  const map = reshape(g, normed, [0, channels, side, side]);
  const perChannel = [channels, 1, 1];
  const scaled = g.node("Mul", [map, reshape(g, parameter(g, "weight", weight), perChannel)]);
  return { ...x, value: g.node("Add", [scaled, reshape(g, parameter(g, "bias", bias), perChannel)]) };
}

/** With the running statistics. */
function batchNorm(g: Graph, x: ImageMap, norm: Exclude<MapNorm, { groups: number }>): ImageMap {
  const { weight, bias, running_mean, running_var, eps } = norm;
  const parameters = { weight, bias, running_mean, running_var };
  const inputs = Object.entries(parameters).map(([name, tensor]) => parameter(g, name, tensor));
  return { ...x, value: g.node("BatchNormalization", [x.value, ...inputs], { epsilon: { float: eps } }) };
}
