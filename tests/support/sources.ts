/**
 * The repository's own files, for tests about the tree itself.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";

/** Every file that git tracks or would track, relative to the root, sorted. */
export function trackedFiles(): string[] {
  const list = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" });
  return [...new Set(list.split("\0"))].filter((file) => file !== "" && existsSync(file)).sort();
}

/** Rooms that hold the product's sources. */
export const ROOMS = ["emulator", "kernel-model", "lab", "web"] as const;

/** The TypeScript sources of the product, without declaration files. */
export function productSources(): string[] {
  return trackedFiles().filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts") && ROOMS.some((room) => file.startsWith(`${room}/`)));
}

export interface Import {
  /** Path of the imported file, or the name of a package. */
  readonly target: string;
  readonly isPackage: boolean;
  /** True if nothing is left of it at run time. */
  readonly typeOnly: boolean;
}

/** What a TypeScript file imports and re-exports, dynamic imports of literals included. */
export function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true);
  const imports: Import[] = [];
  const add = (specifier: ts.Expression | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const isPackage = !specifier.text.startsWith(".");
    const target = isPackage ? specifier.text : normalize(join(dirname(file), specifier.text)).replace(/\.js$/, ".ts");
    imports.push({ target, isPackage, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return imports;
}

/** True if the file holds types only: its JavaScript does nothing and exports nothing. */
export function isTypeOnly(file: string): boolean {
  const { outputText } = ts.transpileModule(readFileSync(file, "utf8"), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true, removeComments: true },
  });
  return /^\s*(export \{\s*\};?\s*)?$/.test(outputText);
}
