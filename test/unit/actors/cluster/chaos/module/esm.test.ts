/** What a module imports and exports is told from its text, and the rest of it stays where it was. */
import { Script } from "node:vm";
import { describe, expect, it } from "vitest";
import { NAMES, parseModule } from "../../../../../../actors/cluster/chaos/module/esm.ts";

function importsOf(text: string): unknown {
  return parseModule(text).imports;
}

describe("imports", () => {
  it.each<[string, unknown]>([
    [`import "a";`, [{ specifier: "a", names: [] }]],
    [`import d from 'a'`, [{ specifier: "a", names: [{ name: "default", local: "d" }] }]],
    [`import * as n from "a"`, [{ specifier: "a", names: [{ name: "*", local: "n" }] }]],
    [
      `import d, { x, y as z, "a b" as w, default as e } from "a" with { type: "json" };`,
      [
        {
          specifier: "a",
          names: [
            { name: "default", local: "d" },
            { name: "x", local: "x" },
            { name: "y", local: "z" },
            { name: "a b", local: "w" },
            { name: "default", local: "e" },
          ],
        },
      ],
    ],
    [
      `import from from "a"; import { as, as as b } from "b"`,
      [
        { specifier: "a", names: [{ name: "default", local: "from" }] },
        {
          specifier: "b",
          names: [
            { name: "as", local: "as" },
            { name: "as", local: "b" },
          ],
        },
      ],
    ],
  ])("%s", (text, expected) => expect(importsOf(text)).toEqual(expected));

  it("are not what only looks like them", () => {
    const text = [
      "const a = `import x from \"y\" ${'import'} ${`${1}` + `}`}`;",
      "// import x from 'y'",
      "/* export const b = 1 */ const c = /import x from 'y'/g, d = 4 / 2, e = 1 / d;",
      "const o = { import: 1, export: 2 }; o.import; o.export;",
      "if (d) /export {}/.test(a);",
      "const s = 'it\\'s export';",
    ].join("\n");
    expect(parseModule(text)).toMatchObject({ isModule: false, imports: [], body: text });
  });

  it.each([
    "import/* of */('a')",
    "import // of\n('a')",
    "import\n/* its */.meta",
    "import /* its */ . /* own */ meta",
  ])("that are made while it runs are found whatever stands between: %j", (text) => {
    const { body, isModule } = parseModule(`f(${text});`);
    expect(body).toContain(text.includes("meta") ? NAMES.meta : NAMES.import);
    expect(isModule).toBe(text.includes("meta"));
  });

  it("that are made while it runs, and the module's own name, are replaced", () => {
    const { body, isModule } = parseModule(
      "const m = await import('a'); console.log(import.meta.url, `${import.meta.url}`);",
    );
    expect(isModule).toBe(true);
    expect(body).toBe(
      `const m = await ${NAMES.import}('a'); console.log(${NAMES.meta}.url, \`\${${NAMES.meta}.url}\`);`,
    );
  });
});

describe("exports", () => {
  it.each<[string, Readonly<Record<string, string>>]>([
    ["export const a = 1, b = (2, 3), c = [4, 5];", { a: "a", b: "b", c: "c" }],
    ["export const a = b\n  , c = 2\nconst d = 1, e = 2", { a: "a", c: "c" }],
    ["export const a = () => 1\nfoo, bar", { a: "a" }],
    [
      "export const { a, b: c, d: { e = { f: 1 } }, ...g } = h, [i, , j = 2, ...k] = l",
      { a: "a", c: "c", e: "e", g: "g", i: "i", j: "j", k: "k" },
    ],
    ["export let a, b", { a: "a", b: "b" }],
    ["export function f() {} export async function* g() {} export class C {}", { f: "f", g: "g", C: "C" }],
    ["const a = 1; export { a, a as b, a as 'c d', a as default }", { a: "a", b: "a", "c d": "a", default: "a" }],
    ["export default function f() {}", { default: "f" }],
    ["export default class extends Object {}", { default: NAMES.default }],
    ["export default async function () {}", { default: NAMES.default }],
    ["export default function* () {}", { default: NAMES.default }],
    ["export default { a: 1 }", { default: NAMES.default }],
    ["export default (a, b) => a / b / 2", { default: NAMES.default }],
  ])("%s", (text, expected) => {
    const { exports, body } = parseModule(text);
    expect(Object.fromEntries(exports)).toEqual(expected);
    expect(() => new Script(`(async function () { ${body}\n })`)).not.toThrow();
  });

  it("of other modules are told apart", () => {
    const text = "export * from 'a'; export * as b from 'c'; export { d, default as e } from 'f';";
    expect(parseModule(text)).toMatchObject({
      stars: ["a"],
      reexports: [
        { exported: "b", specifier: "c", name: "*" },
        { exported: "d", specifier: "f", name: "d" },
        { exported: "e", specifier: "f", name: "default" },
      ],
    });
  });

  it("that may change are told apart", () => {
    const { mutable } = parseModule(
      "export let a = 1; let b, c = 2; export { b as d, e }; const e = 1; var f; export { f }",
    );
    expect([...mutable].sort()).toEqual(["a", "d", "f"]);
  });
});

it.each<[string, boolean]>([
  ["await 1;", true],
  ["for await (const a of b) a();", true],
  ["await using a = b;", true],
  ["async function f() { await 1; } const g = async () => await 2; class C { async m() { await 3; } }", false],
  ["const await_ = 1, o = { await: 2 }; o.await;", false],
])("whether it waits at its top level: %s", (text, awaits) => expect(parseModule(text).awaits).toBe(awaits));

it("every line stays where it was", () => {
  const text = "#!/usr/bin/env node\nimport {\n  a,\n  b,\n} from 'c';\nthrow new Error('here');";
  const { body } = parseModule(text);
  expect(body.split("\n").indexOf("throw new Error('here');")).toBe(5);
});

it("what is no JavaScript is told with its place", () => {
  expect(() => parseModule("const a = 1;\nexport frob a;")).toThrow("line 2: Unexpected token");
  expect(() => parseModule("const a = 'b")).toThrow("line 1: Unterminated string constant");
});
