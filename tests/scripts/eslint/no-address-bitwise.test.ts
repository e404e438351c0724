/**
 * The lint rule against bit operators on addresses, run by ESLint itself over a small typed project.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { ESLint, type Linter, type Rule } from "eslint";
import tseslint from "typescript-eslint";

const folder = join("build", "tests", "no-address-bitwise");

/** A module without types, so its name is not a literal. */
const RULE: string = new URL("../../../scripts/eslint/no-address-bitwise.js", import.meta.url).href;

const PRELUDE = `
declare const brand: unique symbol;
type Brand<Name extends string> = number & { readonly [brand]: Name };
export type Va = Brand<"Va">; export type Pa = Brand<"Pa">; export type Vpn = Brand<"Vpn">; export type Pfn = Brand<"Pfn">; export type Order = Brand<"Order">;
declare const va: Va, pa: Pa, vpn: Vpn, pfn: Pfn, order: Order, flags: number, pte: bigint, maybe: Va | undefined;
`;

/** The operators refused in `statement`, in source order. */
async function refused(statement: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: { strict: true, target: "ES2022" }, include: ["*.ts"] }));
  const file = join(folder, "sample.ts");
  writeFileSync(file, `${PRELUDE}${statement}\n`);
  const { default: rule } = (await import(RULE)) as { default: Rule.RuleModule };
  const config: Linter.Config = {
    files: ["**/*.ts"],
    languageOptions: { parser: tseslint.parser, parserOptions: { project: "./tsconfig.json", tsconfigRootDir: join(process.cwd(), folder) } },
    plugins: { foliolab: { rules: { "no-address-bitwise": rule } } },
    rules: { "foliolab/no-address-bitwise": "error" },
  };
  const eslint = new ESLint({ cwd: join(process.cwd(), folder), overrideConfigFile: true, overrideConfig: config });
  const [result] = await eslint.lintFiles(["sample.ts"]);
  return result!.messages.map((message) => message.message);
}

describe("lint rule no-address-bitwise", () => {
  const wrong: readonly (readonly [string, string])[] = [
    ["export const page = va >> 12;", "`>>` cuts Va to 32 bits"],
    ["export const index = (0x1ff & vpn);", "`&` cuts Vpn to 32 bits"],
    ["export const low = pa >>> 0;", "`>>>` cuts Pa to 32 bits"],
    ["export const inverse = ~pfn;", "`~` cuts Pfn to 32 bits"],
    ["export let copy = va; (copy as number | Va) |= 1;", "`|=` cuts Va to 32 bits"],
    ["export function generic<T extends Pfn>(frame: T): number { return frame ^ 1; }", "`^` cuts Pfn to 32 bits"],
    ["export const cut = maybe! << 1;", "`<<` cuts Va to 32 bits"],
  ];
  for (const [statement, message] of wrong) {
    it(`refuses ${statement}`, async () => {
      const messages = await refused(statement);
      expect(messages).to.have.length(1);
      expect(messages[0]).to.contain(message);
    });
  }

  for (const statement of ["export const size = 1 << order;", "export const bits = flags & 3;", "export const af = pte & 1024n;", "export const next = va + 4096;"]) {
    it(`allows ${statement}`, async () => {
      expect(await refused(statement)).to.deep.equal([]);
    });
  }
});
