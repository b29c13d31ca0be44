import { join } from "node:path";
import ts from "typescript";
import { root } from "./markdown.js";

/**
 * What TypeScript says of examples under the settings of this repository.
 *
 * @param files  paths of the examples by their places in the documents
 */
export function typeProblems(files: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(
    { compilerOptions: { ...config.compilerOptions, rootDir: undefined, outDir: undefined, noEmit: true }, files: [] },
    ts.sys,
    root,
  );
  const program = ts.createProgram([...files.values()], options);
  return [...files].flatMap(([place, path]) => {
    const file = program.getSourceFile(path);
    return ts.getPreEmitDiagnostics(program, file).map(({ messageText, start = 0 }) => {
      const line = file?.getLineAndCharacterOfPosition(start).line ?? 0;
      return `${place}, line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
  });
}

/** An example as JavaScript. */
export function transpiled(code: string): string {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true };
  return ts.transpileModule(code, { compilerOptions: options }).outputText;
}
