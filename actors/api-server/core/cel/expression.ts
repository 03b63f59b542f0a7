/** CEL as a tree in which macros are gone: what is checked, estimated and evaluated. Source: cel-go `common/ast`. */
export type Expression =
  | { readonly is: "literal"; readonly value: Literal; readonly at: number }
  | { readonly is: "identifier"; readonly name: string; readonly at: number }
  | Selection
  | Call
  | { readonly is: "list"; readonly items: readonly ListItem[]; readonly at: number }
  | { readonly is: "map"; readonly entries: readonly MapEntry[]; readonly at: number }
  | { readonly is: "struct"; readonly name: string; readonly fields: readonly StructField[]; readonly at: number }
  | Fold;

/** `at` of each: where its mark stands, in UTF-16 units from 0. */
export interface Selection {
  readonly is: "select";
  readonly from: Expression;
  readonly field: string;
  /** has(): whether it is there. */
  readonly test: boolean;
  /** `.?`: an optional comes out. */
  readonly optional: boolean;
  readonly at: number;
}

export interface Call {
  readonly is: "call";
  /** Operators have names such as `_+_`. */
  readonly name: string;
  readonly target?: Expression;
  readonly args: readonly Expression[];
  readonly at: number;
}

/** What all macros over lists and maps come down to. */
export interface Fold {
  readonly is: "fold";
  readonly over: Expression;
  /** Of each item; of a map, and where there are two, the key first. */
  readonly variables: readonly string[];
  readonly result: { readonly name: string; readonly initial: Expression };
  readonly condition: Expression;
  readonly step: Expression;
  readonly end: Expression;
  readonly at: number;
}

export interface ListItem {
  readonly value: Expression;
  readonly optional: boolean;
}

export interface MapEntry extends ListItem {
  readonly key: Expression;
}

export interface StructField extends ListItem {
  readonly name: string;
  readonly at: number;
}

export interface Literal {
  readonly type: "bool" | "bytes" | "double" | "int" | "null" | "string" | "uint";
  /** As CEL has it. */
  readonly value: unknown;
}

export interface Problem {
  readonly at: number;
  readonly words: string;
}

/** `a.b.c`; undefined when it is not made of names. */
export function qualifiedNameOf(expression: Expression): string | undefined {
  if (expression.is === "identifier") return expression.name;
  if (expression.is !== "select" || expression.test || expression.optional) return undefined;
  const before = qualifiedNameOf(expression.from);
  return before === undefined ? undefined : `${before}.${expression.field}`;
}

/** From the left. */
export function pushParts(expression: Expression, to: Expression[]): void {
  switch (expression.is) {
    case "literal":
    case "identifier":
      return;
    case "select":
      to.push(expression.from);
      return;
    case "call":
      if (expression.target !== undefined) to.push(expression.target);
      for (const arg of expression.args) to.push(arg);
      return;
    case "list":
      for (const { value } of expression.items) to.push(value);
      return;
    case "map":
      for (const { key, value } of expression.entries) to.push(key, value);
      return;
    case "struct":
      for (const { value } of expression.fields) to.push(value);
      return;
    case "fold":
      to.push(expression.over, expression.result.initial, expression.condition, expression.step, expression.end);
  }
}

export function partsOf(expression: Expression): readonly Expression[] {
  const parts: Expression[] = [];
  pushParts(expression, parts);
  return parts;
}
