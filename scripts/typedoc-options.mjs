// For typedoc: parameters that are taken apart where they arrive have no name; they get the one by which their
// docstring calls them (`@param options.seed`), else `options`.
import { Converter, ReflectionKind } from "typedoc";

const UNNAMED = "__namedParameters";

/** @param {import("typedoc").Application} app */
export function load(app) {
  app.converter.on(
    Converter.EVENT_RESOLVE_BEGIN,
    ({ project }) => {
      for (const signature of project.getReflectionsByKind(ReflectionKind.SomeSignature)) {
        const parameters = signature.parameters ?? [];
        const documented = (signature.comment?.blockTags ?? [])
          .filter(({ tag }) => tag === "@param")
          .map(({ name }) => name);
        // Names that no parameter has are typedoc's to give.
        if (documented.some((name) => !name.includes(".") && !parameters.some((parameter) => parameter.name === name)))
          continue;
        const [called] = documented.find((name) => name.includes("."))?.split(".") ?? ["options"];
        for (const parameter of parameters) if (parameter.name === UNNAMED) parameter.name = called;
      }
    },
    1000, // before docstrings are dealt out to parameters
  );
}
