// Lint rules that find bugs or keep a promise of the house style; layout is left to the writer.
import tseslint from "typescript-eslint";
import noAddressBitwise from "./scripts/eslint/no-address-bitwise.js";

export default tseslint.config(
  { ignores: ["node_modules/**", "dist/**", "build/**", "coverage/**", "**/target/**", "**/*.cjs"] },
  {
    files: ["**/*.ts"],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: "error" },
    plugins: {
      "@typescript-eslint": tseslint.plugin,
      foliolab: { rules: { "no-address-bitwise": noAddressBitwise } },
    },
    rules: {
      // Wide numbers: a bit operator on an address cuts it to 32 bits; bigint and number must not meet in a sum.
      "foliolab/no-address-bitwise": "error",
      "@typescript-eslint/restrict-plus-operands": ["error", { allowNumberAndString: true }],
      "no-loss-of-precision": "error",

      // Bugs.
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-base-to-string": "error",
      "@typescript-eslint/no-implied-eval": "error",
      "@typescript-eslint/only-throw-error": "error",
      "@typescript-eslint/no-for-in-array": "error",
      "@typescript-eslint/require-array-sort-compare": "error",
      "no-constant-condition": ["error", { checkLoops: "allExceptWhileTrue" }],
      "no-constant-binary-expression": "error",
      "no-dupe-else-if": "error",
      "no-duplicate-case": "error",
      "no-fallthrough": "error",
      "no-self-compare": "error",
      "no-self-assign": "error",
      "no-unreachable": "error",
      "no-unreachable-loop": "error",
      "no-unsafe-finally": "error",
      "no-sparse-arrays": "error",
      "no-var": "error",
      "prefer-const": "error",
      eqeqeq: "error",

      // Promises of the house style.
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unsafe-assignment": "error",
      "@typescript-eslint/no-unsafe-call": "error",
      "@typescript-eslint/no-unsafe-member-access": "error",
      "@typescript-eslint/no-unsafe-return": "error",
      "@typescript-eslint/ban-ts-comment": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-import-type-side-effects": "error",
      "no-restricted-syntax": [
        "error",
        { selector: "TSEnumDeclaration", message: "No enum: an `as const` object and a union type." },
        { selector: "ExportDefaultDeclaration", message: "Named exports only." },
        { selector: "ClassDeclaration[superClass]:not([superClass.name=/Error$/])", message: "No inheritance: compose (errors may extend Error)." },
      ],
    },
  },
  {
    // What runs must be a function of program, configuration and seed.
    files: ["emulator/**/*.ts", "kernel-model/**/*.ts"],
    rules: {
      "no-restricted-globals": ["error", { name: "Date", message: "The clock is injected." }, { name: "performance", message: "The clock is injected." }],
      "no-restricted-properties": ["error", { object: "Math", property: "random", message: "The seed is injected." }],
      "no-console": "error",
    },
  },
);
