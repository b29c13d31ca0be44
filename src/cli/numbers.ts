import { ConfigError } from "../errors.js";

/** An option that is a list of whole numbers from 1 on: "10,20". @throws ConfigError for anything else */
export function wholeNumbers(verb: string, option: string, text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (!numbers.every((n) => Number.isSafeInteger(n) && n >= 1))
    throw new ConfigError(`${verb}: --${option} is ${JSON.stringify(text)}, expected whole numbers such as 10,20.`);
  return numbers;
}

/** Which numbers an option may be; from 0 on unless `above` is given. */
export interface NumberRange {
  readonly above?: number;
  readonly below?: number;
  readonly most?: number;
}

/** An option that is a number. @throws ConfigError for anything else, and for one outside the range */
export function numberWithin(
  verb: string,
  option: string,
  text: string,
  { above, below, most }: NumberRange = {},
): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  const highEnough = above === undefined ? value >= 0 : value > above;
  const lowEnough = value < (below ?? Number.POSITIVE_INFINITY) && value <= (most ?? Number.MAX_VALUE);
  if (highEnough && lowEnough) return value;
  const high = most !== undefined ? `, at most ${most}` : below !== undefined ? `, below ${below}` : "";
  const expected = `a number ${above === undefined ? "from 0 on" : `above ${above}`}${high}`;
  throw new ConfigError(`${verb}: --${option} is ${JSON.stringify(text)}, expected ${expected}.`);
}

/** An option that is a number above 0. @throws ConfigError for anything else */
export const positiveNumber = (verb: string, option: string, text: string): number =>
  numberWithin(verb, option, text, { above: 0 });
