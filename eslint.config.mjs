// ESLint over all TypeScript and the plain JavaScript that boots it. Prettier formats; no rule here is about layout.
import pulumi from "@pulumi/eslint-plugin";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

const typescript = ["**/*.ts"];
const javascript = ["scripts/**/*.mjs"];
const tests = ["tests/**/*.ts"];
const components = ["components/**/*.ts", "policies/**/*.ts", "index.ts"];

// node:test starts a test when it is declared; its promise is the runner's to wait for
const runners = ["test", "describe", "it", "suite", "before", "after", "beforeEach", "afterEach"];

export default defineConfig(
  { ignores: ["node_modules/", ".bankmesh/", "rendered/"] },
  {
    files: [...typescript, ...javascript],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { "@pulumi": pulumi },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    // one program for all files, the one that `npm run lint` checks the types of
    languageOptions: {
      parserOptions: { project: "tsconfig.check.json", tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // these two know some outputs by their alias and can repair them; restrict-template-expressions knows all
      "@pulumi/no-output-in-template-literal": "error",
      "@pulumi/no-output-instance-in-template-literal": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", name: runners, package: "node:test" }] },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // an unused argument in front of a used one keeps its name
      "@typescript-eslint/no-unused-vars": ["error", { args: "after-used" }],
      // callbacks such as (resolve) => … and methods of object literals have no `this`
      "@typescript-eslint/unbound-method": "off",
      eqeqeq: ["error", "always"],
      "no-var": "error",
      "prefer-const": "error",
      "max-lines": ["error", 400],
      "no-warning-comments": ["error", { terms: ["todo", "fixme", "xxx", "hack"] }],
    },
  },
  {
    files: components,
    rules: {
      // what the program prints ends up in Pulumi's output, secrets included
      "no-console": "error",
      "max-lines": ["error", 250],
      "no-restricted-syntax": [
        "error",
        {
          selector: "NewExpression[callee.object.name='pulumi'][callee.property.name='Config']",
          message: "only config.ts reads configuration; take an argument instead",
        },
        {
          selector: "CallExpression[callee.property.name='apply'] NewExpression",
          message: "a resource that is made inside apply is missing from previews",
        },
      ],
    },
  },
  {
    // plain JavaScript reads JSON without a type to hold it against
    files: javascript,
    rules: {
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  {
    // tests reach into recorded JSON of every shape, and their fakes are async because what they stand for is
    files: tests,
    rules: {
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/require-await": "off",
    },
  },
);
