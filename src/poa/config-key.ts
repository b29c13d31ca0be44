import { nearestName } from "../elastic/nearest-name.js";

/** Backbones with an elastic search space, by their official names. */
export const architectures = ["vit_dynamic", "swin_dynamic", "resnet_dynamic"] as const;
/** One of the backbones with an elastic search space. */
export type Architecture = (typeof architectures)[number];

/** Which numbers a setting may take. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
  /** Exclusive bounds. */
  readonly above?: number;
  readonly below?: number;
  readonly odd?: boolean;
}

interface NumberKind extends Bounds {
  readonly type: "number" | "integer";
}

/** The values that a key takes. */
export type Kind =
  | NumberKind
  | { readonly type: "boolean" }
  | { readonly type: "string" }
  | { readonly type: "choice"; readonly choices: readonly string[] }
  | { readonly type: "list"; readonly of: NumberKind; readonly length?: number; readonly ascending?: boolean };

/** One setting of a config: what it may be, what it is when nobody says, what it is about. */
export interface Key<T> {
  readonly kind: Kind;
  /** Value in the official recipes, per backbone where they differ. */
  readonly fallback: T | PerArchitecture<T>;
  readonly about: string;
  /** Whether null is a value. */
  readonly nullable?: boolean;
  /** Accepted so that official files load, but without effect; the text says what decides instead. */
  readonly inert?: string;
}

/** A value for each backbone. */
export type PerArchitecture<T> = { readonly [A in Architecture]: T };

/** The value that a key has for a backbone when nothing sets it. */
export function fallbackOf<T>(key: Key<T>, arch: Architecture): T {
  const { fallback } = key;
  return isPerArchitecture(fallback) ? fallback[arch] : fallback;
}

function isPerArchitecture<T>(fallback: T | PerArchitecture<T>): fallback is PerArchitecture<T> {
  return typeof fallback === "object" && fallback !== null && !Array.isArray(fallback);
}

/** Values for ViT, Swin, ResNet. */
export function each<T>(vit: T, swin: T, resnet: T): PerArchitecture<T> {
  return { vit_dynamic: vit, swin_dynamic: swin, resnet_dynamic: resnet };
}

type Fallback<T> = T | PerArchitecture<T>;

export function number(fallback: Fallback<number>, bounds: Bounds, about: string): Key<number> {
  return { kind: { type: "number", ...bounds }, fallback, about };
}

export function integer(fallback: Fallback<number>, bounds: Bounds, about: string): Key<number> {
  return { kind: { type: "integer", ...bounds }, fallback, about };
}

export function flag(fallback: Fallback<boolean>, about: string): Key<boolean> {
  return { kind: { type: "boolean" }, fallback, about };
}

export function text(fallback: string, about: string): Key<string> {
  return { kind: { type: "string" }, fallback, about };
}

export function choice<const C extends string>(choices: readonly C[], fallback: Fallback<C>, about: string): Key<C> {
  return { kind: { type: "choice", choices }, fallback, about };
}

/** `length` numbers. */
export function numbers(fallback: readonly number[], bounds: Bounds, about: string): Key<readonly number[]> {
  return { kind: { type: "list", of: { type: "number", ...bounds }, length: fallback.length }, fallback, about };
}

/** As many integers as the fallback has. */
export function integers(fallback: readonly number[], bounds: Bounds, about: string): Key<readonly number[]> {
  return { kind: { type: "list", of: { type: "integer", ...bounds }, length: fallback.length }, fallback, about };
}

/** One or more integers. */
export function integerList(fallback: readonly number[], bounds: Bounds, about: string): Key<readonly number[]> {
  return { kind: { type: "list", of: { type: "integer", ...bounds } }, fallback, about };
}

/** Two numbers in order. */
type Pair = readonly [number, number];

/** A range: two numbers, the smaller first. */
export function range(fallback: Fallback<Pair>, bounds: Bounds, about: string): Key<Pair> {
  return { kind: { type: "list", of: { type: "number", ...bounds }, length: 2, ascending: true }, fallback, about };
}

/** A key that also takes null, which is what it is by default. */
export function orNull<T>(key: Key<T>, fallback: Fallback<T | null> = null): Key<T | null> {
  return { ...key, fallback, nullable: true };
}

/** A key that is accepted but has no effect; `instead` completes "it has no effect: ". */
export function inert<T>(key: Key<T>, instead: string): Key<T> {
  return { ...key, inert: instead };
}

/** Why a value is not one that its key takes. */
export interface Fault {
  readonly expected: string;
  readonly got: string;
  readonly hint?: string;
  /** Entry of a list. */
  readonly index?: number;
}

/** @returns what is wrong with `value`, or undefined if the key takes it */
export function faultOf(key: Key<unknown>, value: unknown): Fault | undefined {
  if (value === null && key.nullable) return undefined;
  const fault = faultOfKind(key.kind, value);
  return fault && key.nullable ? { ...fault, expected: `${fault.expected} or null` } : fault;
}

function faultOfKind(kind: Kind, value: unknown): Fault | undefined {
  switch (kind.type) {
    case "number":
    case "integer":
      return faultOfNumber(kind, value);
    case "list":
      return faultOfList(kind, value);
    case "boolean":
      return typeof value === "boolean" ? undefined : mismatch(kind, value);
    case "string":
      return typeof value === "string" ? undefined : mismatch(kind, value);
    case "choice": {
      if (typeof value === "string" && kind.choices.includes(value)) return undefined;
      const nearest = typeof value === "string" ? nearestName(value, kind.choices) : undefined;
      return { ...mismatch(kind, value), hint: nearest && `did you mean ${JSON.stringify(nearest)}?` };
    }
  }
}

function faultOfNumber(kind: NumberKind, value: unknown): Fault | undefined {
  const fits =
    typeof value === "number" &&
    Number.isFinite(value) &&
    (kind.type === "number" || Number.isSafeInteger(value)) &&
    value >= (kind.min ?? -Infinity) &&
    value <= (kind.max ?? Infinity) &&
    value > (kind.above ?? -Infinity) &&
    value < (kind.below ?? Infinity) &&
    !(kind.odd && value % 2 === 0);
  if (fits) return undefined;
  const quoted = typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value));
  return { ...mismatch(kind, value), hint: quoted ? "write it without quotes" : undefined };
}

function faultOfList(kind: Extract<Kind, { type: "list" }>, value: unknown): Fault | undefined {
  if (!Array.isArray(value)) return mismatch(kind, value);
  const wrongLength = kind.length === undefined ? value.length === 0 : value.length !== kind.length;
  if (wrongLength) return mismatch(kind, value);
  for (let index = 0; index < value.length; index++) {
    const fault = faultOfNumber(kind.of, value[index]);
    if (fault) return { ...fault, index };
  }
  if (kind.ascending && value[0] > value[1]) return { expected: expectation(kind), got: `[${value.join(", ")}]` };
  return undefined;
}

function mismatch(kind: Kind, value: unknown): Fault {
  return { expected: expectation(kind), got: describe(value) };
}

/** What a key takes, in words: "a number in [0, 1]". */
export function expectation(kind: Kind): string {
  switch (kind.type) {
    case "boolean":
      return "true or false";
    case "string":
      return "a string";
    case "choice": {
      const words = kind.choices.map((word) => JSON.stringify(word));
      return words.length === 1 ? words[0] : `one of ${words.join(", ")}`;
    }
    case "list": {
      const limits = boundsText(kind.of);
      if (kind.ascending) return `two numbers${limits}, the smaller first`;
      const noun = kind.of.type === "integer" ? "integers" : "numbers";
      return `a list of ${kind.length ?? "one or more"} ${noun}${limits}`;
    }
    default: {
      const noun = kind.type === "number" ? "a number" : `an${kind.odd ? " odd" : ""} integer`;
      return noun + boundsText(kind);
    }
  }
}

function boundsText({ min, max, above, below }: Bounds): string {
  const low = min ?? above;
  const high = max ?? below;
  if (low !== undefined && high !== undefined) {
    return ` in ${min === undefined ? "(" : "["}${low}, ${high}${max === undefined ? ")" : "]"}`;
  }
  if (low !== undefined) return min === undefined ? ` > ${low}` : ` ≥ ${low}`;
  if (high !== undefined) return max === undefined ? ` < ${high}` : ` ≤ ${high}`;
  return "";
}

const LONGEST_QUOTE = 40;

/** A value as a message names it: 'the string "abc"', "a list of 3". */
export function describe(value: unknown): string {
  if (typeof value === "string") {
    const short = value.length > LONGEST_QUOTE ? `${value.slice(0, LONGEST_QUOTE)}…` : value;
    return `the string ${JSON.stringify(short)}`;
  }
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "a section";
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  return String(value);
}
