import { FormatError } from "../errors.js";
import type { Architecture, EncoderSpec } from "./encoder-spec.js";

/** Where a file's metadata holds the spec of its network, a JSON text. */
export const SPEC_KEY = "poa.model";

type Check = (value: unknown) => boolean;

const LARGEST_SIZE = 65536;
const STAGES = 4;

const whole =
  (max: number): Check =>
  (value) =>
    Number.isInteger(value) && Number(value) > 0 && Number(value) <= max;
const size = whole(LARGEST_SIZE);
const factor = whole(64);
const flag: Check = (value) => typeof value === "boolean";
const ratio: Check = (value) => typeof value === "number" && value > 0 && Number.isFinite(value);
const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
const stages =
  (each: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length === STAGES && value.every(each);
const flags: Check = (value) => Array.isArray(value) && value.every(flag);

const common = { imageSize: size, channels: size, sliceScale: oneOf(undefined, true, false) };

const fields: { readonly [F in Architecture["family"]]: Readonly<Record<string, Check>> } = {
  vit: {
    patchSize: size,
    width: size,
    depth: size,
    headDim: size,
    mlpRatio: ratio,
    layerScale: flag,
    qkvBias: flag,
    projBias: flag,
    ffnBias: flag,
  },
  swin: {
    patchSize: size,
    width: size,
    embedWidth: size,
    depths: stages(size),
    shifts: stages(flags),
    headDim: size,
    windowSize: factor,
    mlpRatio: ratio,
    qkvBias: flag,
    shiftSmallMaps: flag,
    patchScale: factor,
  },
  resnet: {
    stemChannels: size,
    outChannels: size,
    width: size,
    depths: stages(size),
    strides: stages(factor),
    norm: oneOf("group", "batch"),
    block: oneOf(undefined, "bottleneck", "basic"),
    groups: size,
    patchScale: factor,
  },
};

/**
 * The spec in a file's metadata, every number within sane bounds; whether they fit each other and the tensors is still open.
 *
 * @throws FormatError if there is none or it cannot be used
 */
export function parseSpec(path: string, text: string | undefined): EncoderSpec {
  if (text === undefined) {
    throw new FormatError(
      `${path} does not say which network it holds (no ${SPEC_KEY} in its metadata). Extract it with \`poa subnets extract\`.`,
    );
  }
  let spec: Record<string, unknown>;
  try {
    spec = JSON.parse(text) ?? {};
  } catch (error) {
    throw new FormatError(`${path}: ${SPEC_KEY} is not JSON (${(error as Error).message}).`, { cause: error });
  }
  const family = spec.family;
  const checks = typeof family === "string" && Object.hasOwn(fields, family) ? fields[family as "vit"] : undefined;
  if (!checks) {
    throw new FormatError(
      `${path}: ${SPEC_KEY} names family ${JSON.stringify(family)}, expected ${Object.keys(fields).join(", ")}. Use the version that wrote it.`,
    );
  }
  const perChannel: Check = (value) =>
    Array.isArray(value) && value.length === spec.channels && value.every((x) => Number.isFinite(x));
  const all = { ...checks, ...common, mean: perChannel, std: perChannel };
  const wrong = Object.entries(all).find(([name, check]) => !check(spec[name]));
  if (wrong) throw new FormatError(`${path}: ${SPEC_KEY} lacks a usable ${wrong[0]}. Extract the encoder again.`);
  return spec as unknown as EncoderSpec;
}

/** Blocks of a network over all stages. */
export function blockCount(spec: EncoderSpec): number {
  return spec.family === "vit" ? spec.depth : spec.depths.reduce((sum, depth) => sum + depth, 0);
}
