import { configKeys } from "./config.js";
import { fallbackOf } from "./config-key.js";
import type { Config } from "./config-keys.js";

/** Settings that change no weight, so that a run may go on with others: where memory goes, what is kept, told and evaluated. */
const free = new Set([
  ...["recompute", "cache", "cache_gib", "cache_dir", "max_bad_steps", "checkpoint_every_steps"].map(trainSetting),
  ...["checkpoint_every_minutes", "keep_last", "keep_best", "stop_on_collapse", "tensorboard", "num_workers"].map(
    trainSetting,
  ),
  "optim.moments",
]);

function trainSetting(name: string): string {
  return `train.${name}`;
}

/** Longest list of differences that is told whole. */
const MOST_TOLD = 12;

/** Settings by path. */
export type Settings = Readonly<Record<string, unknown>>;

/** The settings on which the weights of a run depend, beside its data. */
export function decisiveSettings(config: Config): Settings {
  return Object.fromEntries(
    [...configKeys(config.student.arch)]
      .filter(([path, { inert }]) => !inert && !free.has(path) && !path.startsWith("evaluation."))
      .map(([path]) => [path, valueAt(config, path)]),
  );
}

function valueAt(config: Config, path: string): unknown {
  const [section, name] = path.split(".");
  return (config as unknown as Record<string, Record<string, unknown>>)[section][name];
}

/**
 * In which decisive settings a config differs from that of a checkpoint. A setting that the checkpoint does not know, because it
 * is of an older version, had its default.
 *
 * @returns one phrase for each, such as "student.max_depth was 2 and is 3"
 */
export function differingSettings(saved: Settings, config: Config): string[] {
  const { arch } = config.student;
  const now = decisiveSettings(config);
  const text = (value: unknown) => (value === undefined ? "not there" : JSON.stringify(value));
  const differences = [...new Set([...Object.keys(now), ...Object.keys(saved)])].flatMap((path) => {
    const key = configKeys(arch).get(path);
    const was = path in saved || !key ? saved[path] : fallbackOf(key, arch);
    return text(was) === text(now[path]) ? [] : [`${path} was ${text(was)} and is ${text(now[path])}`];
  });
  const rest = differences.length - MOST_TOLD;
  return rest > 0 ? [...differences.slice(0, MOST_TOLD), `${rest} more`] : differences;
}
