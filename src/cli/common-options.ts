import type { Option } from "./command.js";

/** `--net`, of verbs that work on one network of a run. */
export const netOption: Option = {
  value: "NAME",
  about: "sub-network of a run: 96x4, small, full",
  fallback: "full",
};

/** `--strict`, of verbs that read images. */
export const strictOption: Option = { about: "stop at the first broken image" };

/** `--test`, of protocols that learn from one split and are judged on another. */
export const testOption: Option = { value: "SPEC", about: "the test images, if they stand elsewhere" };

/** `--data` and `--test`, of protocols in which a bank of images answers queries. */
export const bankOptions: Readonly<Record<"data" | "test", Option>> = {
  data: { value: "SPEC", about: "labelled images; without #split, train is the bank and test the queries" },
  test: { value: "SPEC", about: "the queries, if they stand elsewhere" },
};

/** `--workers`, of fine-tunings. */
export const workersOption: Option = {
  value: "N",
  about: "threads that decode and augment; 0 for none (default: one for each core to spare)",
};

/** Options of the verbs that run a pre-training, whatever begins it. */
export const trainingOptions: Readonly<Record<"strict" | "workers" | "profile", Option>> = {
  strict: strictOption,
  workers: {
    value: "N",
    about: "threads that decode and augment; 0 for none (default: as train.num_workers says)",
  },
  profile: { about: "list what phases and kernels have cost, and write a trace" },
};

/** `--config`, of verbs that read a recipe of a pre-training. */
export const recipeOption: Option = { value: "PRESET|FILE", about: "recipe: a preset or a YAML file" };

/** `--seed`, of verbs whose recipe has one. */
export const recipeSeedOption: Option = { value: "N", about: "source of all randomness (else that of the recipe)" };

/** `--seed`, of verbs without a recipe. */
export const seedOption: Option = { value: "N", about: "source of all randomness", fallback: "0" };

/** `--iterations`, of protocols whose length is else counted in epochs. */
export const iterationsOption: Option = { value: "N", about: "steps, instead of --epochs" };

/** `--tune-backbone`, of protocols that train a head on an encoder. */
export const tuneBackboneOption: Option = { about: "train the encoder too" };
