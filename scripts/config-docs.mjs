// Prints docs/configuration.md from the table of settings: node scripts/config-docs.mjs > docs/configuration.md
// Needs a build. test/examples/configuration.test.ts fails when the file is not what this prints.

import { configKeys } from "../dist/src/poa/config.js";
import { architectures, expectation, fallbackOf } from "../dist/src/poa/config-key.js";
import { presetNames, presets } from "../dist/src/poa/recipes.js";

const BACKBONES = { vit_dynamic: "ViT", swin_dynamic: "Swin", resnet_dynamic: "ResNet" };

/** Each setting once, in the order of its section, with the backbones that have it. */
function settings() {
  const found = new Map();
  for (const arch of architectures) {
    for (const [path, key] of configKeys(arch)) {
      const setting = found.get(path) ?? { path, key, owners: [] };
      setting.owners.push(arch);
      found.set(path, setting);
    }
  }
  return [...found.values()];
}

const code = (value) => `\`${JSON.stringify(value).replaceAll(",", ", ")}\``;

/** One value, or one per backbone where they differ. */
function fallbackText({ key, owners }) {
  const texts = owners.map((arch) => code(fallbackOf(key, arch)));
  if (texts.every((text) => text === texts[0])) return texts[0];
  return owners.map((arch, i) => `${texts[i]} ${BACKBONES[arch]}`).join(", ");
}

function meaning(setting) {
  const { key, owners } = setting;
  const only = owners.length < architectures.length ? ` (${owners.map((arch) => BACKBONES[arch]).join(", ")})` : "";
  if (key.inert) return `${key.about}${only}. No effect: ${key.inert}.`;
  return `${key.about}${only}.`;
}

function row(setting) {
  const { path, key } = setting;
  const takes =
    key.kind.type === "choice" ? key.kind.choices.map((word) => `\`${word}\``).join(", ") : expectation(key.kind);
  return `| \`${path}\` | ${takes}${key.nullable ? ", or null" : ""} | ${fallbackText(setting)} | ${meaning(setting)} |`;
}

function section(name, rows) {
  return [
    `### ${name}`,
    "",
    "| setting | takes | default | meaning |",
    "| --- | --- | --- | --- |",
    ...rows.map(row),
  ].join("\n");
}

function presetRow(name) {
  const { description, settings } = presets[name];
  return `| \`${name}\` | ${BACKBONES[settings.student.arch]} | ${description} |`;
}

function configurationPage() {
  const all = settings();
  const sections = [...new Set(all.map(({ path }) => path.split(".")[0]))];
  return `# Configuration

<!-- Printed by scripts/config-docs.mjs. Change src/poa/config-keys.ts or the script, not this file. -->

A configuration is a preset, a YAML file, or a plain object in a program. Whatever it leaves out has the value of the
published recipe for its backbone, which the column "default" states. On the command line \`key.sub=value\` arguments
are laid over it:

\`\`\`sh
poa pretrain --config vit-tiny --data photos --out runs/photos optim.epochs=20 dino.head_n_prototypes=[256,512]
\`\`\`

A file looks like this; the published YAML files load unchanged.

\`\`\`yaml
student:
  arch: vit_dynamic
  patch_size: 8
  min_embed_dim: 64
  max_embed_dim: 128
  head_dim: 32
  min_depth: 2
  max_depth: 4
crops:
  global_crops_size: 64
  local_crops_size: 32
\`\`\`

A setting that is unknown, of the wrong type or out of range is refused before anything is computed (exit code 2). The
message names file, line and column, what was expected and what came, and the setting that was probably meant; all
problems are reported at once. The same holds for settings that do not fit together, such as a width that is not a
multiple of the head dimension.

Epochs may be fractions; they are rounded to whole steps. An epoch is \`train.OFFICIAL_EPOCH_LENGTH\` steps, or one pass
over the images where that is null.

## Presets

| preset | backbone | what for |
| --- | --- | --- |
${presetNames.map(presetRow).join("\n")}

## Settings

${sections
  .map((name) =>
    section(
      name,
      all.filter(({ path }) => path.startsWith(`${name}.`)),
    ),
  )
  .join("\n\n")}

### compute_precision

The published files choose GPU precision and sharding here. The settings are accepted and have no effect: everything is
computed in float32.
`;
}

process.stdout.write(configurationPage());
