import * as assert from "uvu/assert";
import { parse } from "yaml";
import { resolveConfig } from "../../src/poa/config.js";
import { configYaml } from "../../src/poa/config-yaml.js";
import { presetNames } from "../../src/poa/recipes.js";
import { test } from "../support/test.js";

test("a config written as YAML reads back as the same config", () => {
  for (const preset of presetNames) {
    const { config } = resolveConfig({ evaluation: { knn: 'folder:a "b": #c\n' } }, { preset });
    assert.equal(resolveConfig(parse(configYaml(config))).config, config);
  }
});

test("small numbers and nulls stay numbers and nulls", () => {
  const text = configYaml(
    resolveConfig({ student: { cls_token_std: 1e-9 }, train: { OFFICIAL_EPOCH_LENGTH: null } }).config,
  );
  assert.match(text, /^student:$/m);
  assert.match(text, /^ {2}cls_token_std: 1e-9$/m);
  assert.match(text, /^ {2}OFFICIAL_EPOCH_LENGTH: null$/m);
});
