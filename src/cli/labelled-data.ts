import type { ImageSource } from "../data/dataset.js";
import { mayBeUndivided, openSource, parseSourceSpec } from "../data/source-spec.js";
import { ConfigError, DataError } from "../errors.js";
import type { FeatureOptions } from "../eval/features.js";
import type { Call } from "./command.js";
import { type Output, timeLeft } from "./output.js";

/** Progress, warnings and what to do with broken images while features are extracted. */
export function extractionOptions(call: Call, output: Output, what: string): FeatureOptions {
  const start = performance.now();
  return {
    strict: call.flag("strict"),
    onProgress: (done, total) =>
      output.progress(
        () => `${what}: ${done}/${total} images${done < total ? `, ${timeLeft(start, done / total)}` : ""}`,
        {
          final: done === total,
        },
      ),
    onWarning: (message) => output.warn(message),
  };
}

/** A share of a class, above 0 and below 1. @throws ConfigError for anything else */
export function shareOption(call: Call, verb: string, name: string): number {
  const given = call.required(name);
  const share = Number(given);
  if (share > 0 && share < 1) return share;
  throw new ConfigError(
    `${verb}: --${name} is ${JSON.stringify(given)}, expected a number above 0 and below 1, such as 0.1.`,
  );
}

/**
 * The labelled images that a protocol learns from, and those that it is asked about: the splits train and test of `data`,
 * or `data` and `test`.
 *
 * @param verb  for messages
 * @throws ConfigError if `data` names one split and `test` is absent
 * @throws DataError if labels are missing or the classes differ
 */
export async function openBankAndQueries(
  verb: string,
  { data, test }: { data: string; test: string | undefined },
): Promise<{ bank: ImageSource; queries: ImageSource }> {
  if (test === undefined && parseSourceSpec(data).split !== null) {
    throw new ConfigError(
      `${verb}: --data ${data} names one split. Leave #split out, or name the queries with --test.`,
    );
  }
  const bank = await openSource(data, { split: "train" });
  const queries = test === undefined ? await openSource(data, { split: "test" }) : await openQueries(test);
  for (const source of [bank, queries]) expectLabels(verb, source);
  if (bank.classes.join("\n") !== queries.classes.join("\n")) {
    throw new DataError(
      `${verb}: ${bank.name} has classes ${bank.classes.join(", ")}, ${queries.name} has ${queries.classes.join(", ")}.`,
    );
  }
  return { bank, queries };
}

/**
 * The labelled images of a protocol that learns nothing from others: the test split, a folder without splits as a whole.
 *
 * @param verb  for messages
 * @throws DataError if labels are missing
 */
export async function openLabelled(verb: string, spec: string): Promise<ImageSource> {
  const source = await openQueries(spec);
  expectLabels(verb, source);
  return source;
}

function expectLabels(verb: string, source: ImageSource): void {
  if (!source.labels)
    throw new DataError(`${verb}: ${source.name} has no labels. Put images into one folder per class.`);
}

/** The test split of what `--test` names; images that are not divided into splits are taken whole. */
async function openQueries(spec: string): Promise<ImageSource> {
  const { kind, split } = parseSourceSpec(spec);
  try {
    return await openSource(spec, { split: "test" });
  } catch (error) {
    if (!(error instanceof DataError) || !mayBeUndivided(kind) || split !== null) throw error;
    return openSource(spec);
  }
}
