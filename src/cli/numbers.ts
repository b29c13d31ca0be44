import { ConfigError } from "../errors.js";

/** An option that is a list of whole numbers from 1 on: "10,20". @throws ConfigError for anything else */
export function wholeNumbers(verb: string, option: string, text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (!numbers.every((n) => Number.isSafeInteger(n) && n >= 1))
    throw new ConfigError(`${verb}: --${option} is ${JSON.stringify(text)}, expected whole numbers such as 10,20.`);
  return numbers;
}

/** An option that is a number above 0. @throws ConfigError for anything else */
export function positiveNumber(verb: string, option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0) || !Number.isFinite(value))
    throw new ConfigError(`${verb}: --${option} is ${JSON.stringify(text)}, expected a number above 0.`);
  return value;
}
