/** Modules are linked and evaluated as Node does it, and anew for each incarnation. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { Evaluation } from "../../../../../../actors/cluster/chaos/module/evaluation.ts";
import type { Surroundings } from "../../../../../../actors/cluster/chaos/module/program.ts";
import { HIDDEN, Program } from "../../../../../../actors/cluster/chaos/module/program.ts";
import { Resolver } from "../../../../../../actors/cluster/chaos/module/resolve.ts";

/** Some hundreds of files, on a machine that may be busy. */
const PATIENCE_MS = 120_000;
const directory = mkdtempSync(join(tmpdir(), "inkube-program-"));
const nodeRequire = createRequire(import.meta.url);
let count = 0;

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Gives the path of the first. */
function files(texts: Readonly<Record<string, string>>): string {
  const root = join(directory, String(++count));
  for (const [name, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return join(root, Object.keys(texts)[0]!);
}

const real = globalThis as unknown as Readonly<Record<string, unknown>>;
const surroundings: Surroundings = {
  globals: Object.fromEntries(HIDDEN.map((name) => [name, real[name]])) as Surroundings["globals"],
  builtin: (name) => nodeRequire(`node:${name}`) as object,
};

function evaluated(entry: string, program = new Program(entry)): Promise<Record<string, unknown>> {
  return new Evaluation(program, surroundings).import(program.entry);
}

async function agrees(entry: string): Promise<Record<string, unknown>> {
  const ours = await evaluated(entry);
  const nodes = (await import(/* @vite-ignore */ pathToFileURL(entry).href)) as Record<string, unknown>;
  const { ["module.exports"]: _own, ...expected } = nodes;
  expect(shapeOf({ ...ours })).toEqual(shapeOf(expected));
  return ours;
}

/** Functions are made anew by each evaluation. */
function shapeOf(value: unknown): unknown {
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shapeOf(each)]));
}

describe("as Node does it:", () => {
  it.each<[string, Readonly<Record<string, string>>]>([
    [
      "a ring of modules whose names get their values late",
      {
        "a.mjs":
          "import { b, callA } from './b.mjs'; export const a = 'a'; export class A {}; export const seen = [b(), callA()];",
        "b.mjs":
          "import { a, A } from './a.mjs'; export function b() { return a + new A().constructor.name; } export const callA = () => a;",
      },
    ],
    [
      "a variable that changes",
      {
        "a.mjs": "import { n, more } from './b.mjs'; const before = n; more(); export const seen = [before, n];",
        "b.mjs": "export let n = 1; export function more() { n++; }",
      },
    ],
    [
      "CommonJS, with what it requires",
      {
        "a.mjs": "import b, { x } from './b.cjs'; import c from './c.json' with { type: 'json' }; export { b, x, c };",
        "b.cjs":
          "const { y } = require('./d'); exports.x = y; exports.path = require('node:path').basename(__filename); exports.later = () => import('./e.mjs').then(({ e }) => e);",
        "d.js": "module.exports = { y: typeof require, z: this === module.exports };",
        "e.mjs": "export const e = 'e';",
        "c.json": '{"c":[1]}',
        "package.json": '{"type":"commonjs"}',
      },
    ],
    [
      "stars, namespaces and defaults passed on",
      {
        "a.mjs": "export * from './b.mjs'; export * as b from './b.mjs'; export { default, x as y } from './b.mjs';",
        "b.mjs": "export * from './c.mjs'; export const x = 1; export default function named() {}",
        "c.mjs": "export const x = 2, z = 3;",
      },
    ],
    [
      "files that wait",
      {
        "a.mjs": "import { b } from './b.mjs'; const { c } = await import('./c.mjs'); export const seen = [b, c];",
        "b.mjs": "export const b = await Promise.resolve('b');",
        "c.mjs": "export const c = 'c';",
      },
    ],
    [
      "packages, by their exports, imports and patterns",
      {
        "a.mjs":
          "import one from 'one'; import { two } from 'one/two/deep'; import { own } from '#own'; export { one, two, own };",
        "package.json": '{"name":"me","imports":{"#own":"./own.mjs"}}',
        "own.mjs": "export const own = 'own';",
        "node_modules/one/package.json":
          '{"exports":{".":{"require":"./no.cjs","import":"./one.mjs"},"./two/*":{"node":"./lib/*.mjs"}}}',
        "node_modules/one/one.mjs": "export default 1;",
        "node_modules/one/lib/deep.mjs": "export const two = 2;",
      },
    ],
    [
      "a module that has the name of something hidden",
      {
        "a.mjs": "import { x as fetch } from './b.mjs'; export const seen = fetch;",
        "b.mjs": "export const x = 1; const process = 2; export const setTimeout = process;",
      },
    ],
  ])("%s", async (_what, texts) => {
    expect(Object.keys(await agrees(files(texts))).length).toBeGreaterThan(0);
  });

  it.each(["yaml", "commander", "fast-check", "jose", "nanoid", "js-yaml", "node-fetch", "hpagent"])(
    "what the package %s exports",
    async (name) => {
      const file = new Resolver().resolve(name, fileURLToPath(import.meta.url), "import");
      const ours = await evaluated(file);
      const nodes = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Record<string, unknown>;
      // Newer versions of Node add it to what CommonJS exports.
      const expected = Object.keys(nodes).filter((key) => key !== "module.exports");
      expect(Object.keys(ours).sort()).toEqual(expected.sort());
      expect(expected.length).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );
});

it("variables of a module begin anew in each incarnation, also those of what it imports", async () => {
  const entry = files({
    "a.mjs":
      "import { more } from './b.mjs'; import c from './c.cjs'; more(); c.n++; globalThis.n; export { n } from './b.mjs'; export const c1 = c.n;",
    "b.mjs": "export let n = 0; export const more = () => ++n;",
    "c.cjs": "exports.n = 0;",
  });
  const program = new Program(entry);
  for (let time = 0; time < 2; time++) expect(await evaluated(entry, program)).toMatchObject({ n: 1, c1: 1 });
});

describe("what can't be loaded is told with its file:", () => {
  it.each<[string, string, RegExp]>([
    [
      "a file that is not there",
      "import './b.mjs'",
      /a\.mjs can't be loaded: Cannot find package or module '\.\/b\.mjs'/,
    ],
    [
      "a package that is not there",
      "import 'no-such-package'",
      /Cannot find package or module 'no-such-package' imported from/,
    ],
    ["what is no JavaScript", "const a = ;", /a\.mjs can't be loaded: line 1: Unexpected token/],
    [
      "TypeScript",
      "import './b.ts'",
      /b\.ts can't be loaded: only JavaScript and JSON can be simulated; compile it first/,
    ],
  ])("%s", (_what, text, message) => {
    const entry = files({ "a.mjs": text, "b.ts": "let a: string" });
    expect(() => new Program(entry)).toThrow(message);
  });
});
