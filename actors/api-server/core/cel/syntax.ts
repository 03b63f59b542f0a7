/** CEL as a tree. Only the parser comes from the library: its evaluator knows neither Kubernetes' types nor a budget. */
import { Environment, ParseError } from "@marcbachmann/cel-js";

interface Place {
  /** Of the first character, from 0. */
  readonly start: number;
  /** After the last. */
  readonly end: number;
}

export type CelNode = Place &
  (
    | { readonly op: "value"; readonly args: unknown }
    | { readonly op: "id"; readonly args: string }
    | { readonly op: "." | ".?"; readonly args: readonly [CelNode, string] }
    | { readonly op: "[]" | "[?]"; readonly args: readonly [CelNode, CelNode] }
    | { readonly op: "call"; readonly args: readonly [string, readonly CelNode[]] }
    | { readonly op: "rcall"; readonly args: readonly [string, CelNode, readonly CelNode[]] }
    | { readonly op: "list"; readonly args: readonly CelNode[] }
    | { readonly op: "map"; readonly args: readonly (readonly [CelNode, CelNode])[] }
    | { readonly op: "?:"; readonly args: readonly [CelNode, CelNode, CelNode] }
    | { readonly op: "&&" | "||"; readonly args: readonly [CelNode, CelNode] }
    | { readonly op: "!_" | "-_"; readonly args: CelNode }
    | { readonly op: BinaryOperator; readonly args: readonly [CelNode, CelNode] }
  );

export type BinaryOperator = "!=" | "==" | "in" | "+" | "-" | "*" | "/" | "%" | "<" | "<=" | ">" | ">=";

/** What is wrong with an expression, in the form of cel-go: with the line and a mark below. */
export class CelSyntaxError extends Error {}

/** Longer ones are refused. Kubernetes' limit is the size of a request. */
const EXPRESSION_CHARS_MAX = 100_000;

const environment = new Environment({
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 20_000, maxDepth: 200 },
});

/** @throws CelSyntaxError */
export function parseCel(text: string): CelNode {
  if (text.length > EXPRESSION_CHARS_MAX) throw new CelSyntaxError(issue(text, 0, "Syntax error: expression too long"));
  try {
    const node = environment.parse(text).ast as unknown as CelNode;
    if (isTooDeep(node)) throw new CelSyntaxError(issue(text, 0, `expression recursion limit exceeded: ${DEPTH_MAX}`));
    return node;
  } catch (error) {
    if (error instanceof CelSyntaxError) throw error;
    if (!(error instanceof ParseError)) throw error;
    const { summary, range } = error as ParseError & { readonly summary: string; readonly range?: { start: number } };
    throw new CelSyntaxError(issue(text, range?.start ?? 0, `Syntax error: ${summary}`));
  }
}

/** Deeper ones are refused: walking them would take more stack than there is. The parser counts brackets only. */
const DEPTH_MAX = 500;

function isTooDeep(root: CelNode): boolean {
  let level: readonly CelNode[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) return true;
    level = level.flatMap(({ args }) => nodesIn(args));
  }
  return false;
}

function nodesIn(args: unknown): readonly CelNode[] {
  if (Array.isArray(args)) return args.flatMap(nodesIn);
  return typeof args === "object" && args !== null && "op" in args ? [args as CelNode] : [];
}

/** `ERROR: <input>:1:6: …`, the line, and a mark below the place. */
export function issue(text: string, at: number, problem: string): string {
  const before = text.slice(0, at).split("\n");
  const column = Array.from(before.at(-1) ?? "").length;
  const line = text.split("\n")[before.length - 1] ?? "";
  return `ERROR: <input>:${before.length}:${column + 1}: ${problem}\n | ${line}\n | ${".".repeat(column)}^`;
}
