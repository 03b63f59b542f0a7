/**
 * Work in pieces (`actors/api-server/core/steps.ts`) that nobody runs does nothing, and neither types nor lint rules tell: a generator
 * that is called and dropped is as good as a call. So each expression that is one is looked at here, by the compiler's own types: it is
 * run by `yield*`, given to somebody, kept or returned; and no function that begins one stands where its result counts for nothing.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Expression, Node, SourceFile } from "typescript/unstable/ast";
import {
  isArrowFunction,
  isAwaitExpression,
  isBinaryExpression,
  isCallExpression,
  isConditionalExpression,
  isExpressionStatement,
  isForOfStatement,
  isFunctionExpression,
  isIdentifier,
  isIfStatement,
  isNonNullExpression,
  isParenthesizedExpression,
  isPrefixUnaryExpression,
  isPropertyAccessExpression,
  isSpreadElement,
  isVoidExpression,
  isWhileStatement,
} from "typescript/unstable/ast/is";
import { SyntaxKind } from "typescript/unstable/ast";
import type { Checker, Project, Type } from "typescript/unstable/sync";
import { API, SignatureKind, TypeFlags } from "typescript/unstable/sync";

const root = new URL("../..", import.meta.url).pathname;

/** `Steps`, or perhaps so: a generator that yields nothing. Others are there to be iterated. */
function isWork(checker: Checker, type: Type | undefined): boolean {
  const parts = type?.isUnionType() === true ? (type.getTypes() ?? []) : [type];
  return parts.some((part) => {
    if (part?.getSymbol()?.name !== "Generator" || !part.isTypeReference()) return false;
    const [yielded] = checker.getTypeArguments(part);
    return ((yielded?.flags ?? 0) & TypeFlags.Undefined) !== 0;
  });
}

const PASSES_ON = [SyntaxKind.QuestionQuestionToken, SyntaxKind.BarBarToken, SyntaxKind.AmpersandAmpersandToken];

/** Whether nothing is done with it but that it is there. */
function isDropped(node: Node): boolean {
  const { parent } = node;
  if (isParenthesizedExpression(parent) || isNonNullExpression(parent)) return isDropped(parent);
  if (isBinaryExpression(parent)) {
    const { kind } = parent.operatorToken;
    if (kind === SyntaxKind.EqualsToken) return false;
    if (PASSES_ON.includes(kind) || (kind === SyntaxKind.CommaToken && parent.right === node)) return isDropped(parent);
    // Whether there is any, as with optional work.
    return parent.right.getText() !== "undefined";
  }
  if (isConditionalExpression(parent)) return parent.condition === node || isDropped(parent);
  if (isPropertyAccessExpression(parent)) return !["next", "return"].includes(parent.name.getText());
  if (isForOfStatement(parent) || isIfStatement(parent) || isWhileStatement(parent)) return parent.expression === node;
  return [isExpressionStatement, isVoidExpression, isAwaitExpression, isPrefixUnaryExpression, isSpreadElement].some(
    (drops) => drops(parent),
  );
}

function nodesIn(file: SourceFile, wanted: (node: Node) => boolean): readonly Node[] {
  const found: Node[] = [];
  const walk = (node: Node): void => {
    if (wanted(node)) found.push(node);
    node.forEachChild((child) => {
      walk(child);
    });
  };
  walk(file);
  return found;
}

interface Looked {
  readonly seen: number;
  readonly dropped: readonly string[];
}

function lookInto({ program, checker }: Project, files: readonly string[]): Looked {
  const dropped: string[] = [];
  let seen = 0;
  const returnsOf = (type: Type | undefined): readonly (Type | undefined)[] =>
    type === undefined
      ? []
      : checker.getSignaturesOfType(type, SignatureKind.Call).map((each) => checker.getReturnTypeOfSignature(each));
  for (const name of files) {
    const file = program.getSourceFile(name);
    if (file === undefined) throw new Error(`${name} is not in the program`);
    const tell = (node: Node): unknown => dropped.push(`${name.replace(root, "")}: ${node.getText()}`);
    const calls = nodesIn(file, isCallExpression);
    for (const [at, type] of checker.getTypeAtLocation(calls).entries()) {
      if (!isWork(checker, type)) continue;
      seen++;
      if (isDropped(calls[at]!)) tell(calls[at]!);
    }
    // Where a function is asked for that returns nothing, TypeScript takes any.
    const functions = nodesIn(file, isGiven);
    for (const [at, type] of checker.getTypeAtLocation(functions).entries()) {
      if (!returnsOf(type).some((each) => isWork(checker, each))) continue;
      seen++;
      const wanted = returnsOf(checker.getContextualType(functions[at] as Expression));
      if (wanted.length > 0 && wanted.every((each) => ((each?.flags ?? 0) & TypeFlags.Void) !== 0))
        tell(functions[at]!);
    }
  }
  return { seen, dropped };
}

/** What may be a function that is given to somebody. */
function isGiven(node: Node): boolean {
  if (isArrowFunction(node) || isFunctionExpression(node)) return true;
  if (!isIdentifier(node) && !isPropertyAccessExpression(node)) return false;
  const { parent } = node;
  if (isCallExpression(parent)) return parent.arguments.some((each) => each === node);
  return "initializer" in parent && parent.initializer === node;
}

describe("work in pieces", () => {
  const api = new API({ cwd: root });
  const folder = mkdtempSync(join(tmpdir(), "inkube-steps-"));
  const config = join(folder, "tsconfig.json");
  const planted = join(folder, "planted.ts");
  let project: (file: string) => Project;

  beforeAll(() => {
    const declarations = `import type { Steps, Stepped } from "${root}actors/api-server/core/steps.ts";
      export function* work(): Steps<void> {}
      export interface Rules { readonly check?: (value: string, on: (at: number) => void) => Stepped<void> }
      export interface Silent { readonly run: (value: number) => void }
      export class Worker { *go(): Steps<void> {} later(): Stepped<number> { return 1; } }
      declare const rules: Rules; declare const worker: Worker; declare const other: () => void;
      declare function listed(): Generator<string>;
      declare function take(silent: Silent): void; declare function run<T>(work: Stepped<T> | (() => Stepped<T>)): T;\n`;
    const wrapped = [...DROPS, ...KEEPS].map((text, at) => `export function* f${at}(): Steps<unknown> { ${text}\n }`);
    writeFileSync(planted, declarations + wrapped.join("\n"));
    const compilerOptions = {
      strict: true,
      target: "esnext",
      module: "nodenext",
      noEmit: true,
      allowImportingTsExtensions: true,
    };
    writeFileSync(config, JSON.stringify({ compilerOptions, files: ["planted.ts"] }));
    const snapshot = api.updateSnapshot({ openProjects: [config, join(root, "tsconfig.json")] });
    project = (file) => {
      const found = snapshot.getProject(file);
      if (found === undefined) throw new Error(`${file} is not open`);
      return found;
    };
  });
  afterAll(() => {
    api.close();
    rmSync(folder, { recursive: true });
  });

  it("is run, given on, kept or returned wherever it is begun", () => {
    const whole = project(join(root, "tsconfig.json"));
    const files = whole.program.getSourceFileNames().filter((name) => name.startsWith(`${root}actors/api-server/`));
    const { seen, dropped } = lookInto(whole, files);
    expect(seen).toBeGreaterThan(100);
    expect(dropped).toEqual([]);
  });

  it("is found where it is dropped, and there alone", () => {
    const { dropped } = lookInto(project(config), [planted]);
    expect(dropped.map((text) => text.slice(text.indexOf(": ") + 2))).toEqual(FOUND);
  });
});

/** What is found in each is said behind it. */
const CASES: readonly (readonly [statement: string, found: string])[] = [
  ["work();", "work()"],
  ["void work();", "work()"],
  ["(async () => { await work(); })();", "work()"],
  ["rules.check?.('', () => {});", "rules.check?.('', () => {})"],
  ["if (rules.check !== undefined) rules.check('', other);", "rules.check('', other)"],
  ["worker.go();", "worker.go()"],
  ["for (const each of worker.go()) other();", "worker.go()"],
  ["if (work()) return 1;", "work()"],
  ["rules && work();", "work()"],
  ["rules ? work() : other();", "work()"],
  ["(work());", "work()"],
  ["const x = [...work()];", "work()"],
  ["if (!work()) other();", "work()"],
  ["[1].forEach(() => work());", "() => work()"],
  ["[1].forEach(work);", "work"],
  ["take({ run: () => worker.later() });", "() => worker.later()"],
  ["take({ run: worker.go });", "worker.go"],
];
const DROPS = CASES.map(([statement]) => statement);
const FOUND = CASES.map(([, found]) => found);
const KEEPS: readonly string[] = [
  "yield* work();",
  "run(work());",
  "const a = worker.go(); yield* a;",
  "return rules ? work() : undefined;",
  "run(() => work());",
  "run(work);",
  "work().next();",
  "run(rules.check?.('', other) ?? 1);",
  "let b; b = work(); return b;",
  "other();",
  "take({ run: other });",
  "for (const each of listed()) other();",
  "const y = [...listed()];",
];
