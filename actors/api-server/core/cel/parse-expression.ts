/**
 * Reads an expression into a tree without macros. Source: cel-go `parser/gen/CEL.g4`, `parser/parser.go`.
 */
import type { Expression, ListItem, Literal, MapEntry, Problem, StructField } from "./expression.ts";
import {
  STARTS,
  STARTS_OF_FIELD,
  STARTS_OF_INDEX,
  STARTS_OR_END,
  isSign,
  isStart,
  isStartOfField,
  isStartOfIndex,
  isStartOrEnd,
  noViable,
} from "./expected.ts";
import type { MacroSet } from "./macros.ts";
import { expandMacro } from "./macros.ts";
import type { Token } from "./tokens.ts";
import { bytesOf, stringOf, tokensOf } from "./tokens.ts";
import { CelUint } from "./values.ts";

export type Parsed = { readonly expression: Expression } | { readonly problems: readonly Problem[] };

/** Kubernetes' limit on what is one inside the other. */
const DEPTH_MAX = 250;

export function parseExpression(text: string, macros: MacroSet): Parsed {
  const problems: Problem[] = [];
  const parser = new Parser(tokensOf(text, problems), macros, problems);
  try {
    const expression = parser.whole();
    return problems.length > 0 ? { problems } : { expression };
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    return { problems };
  }
}

/** Nothing more can be read. What is wrong is in the list of problems. */
class Stop extends Error {}

const RESERVED: ReadonlySet<string> = new Set(
  "as break const continue else for function if import let loop package namespace return var void while".split(" "),
);
const RELATIONS: ReadonlySet<string> = new Set(["<", "<=", ">=", ">", "==", "!=", "in"]);
const PRODUCTS: ReadonlySet<string> = new Set(["*", "/", "%"]);
const SUMS: ReadonlySet<string> = new Set(["+", "-"]);
const INT_MAX = 2n ** 63n;

class Parser {
  readonly #tokens: readonly Token[];
  readonly #macros: MacroSet;
  readonly #problems: Problem[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], macros: MacroSet, problems: Problem[]) {
    this.#tokens = tokens;
    this.#macros = macros;
    this.#problems = problems;
  }

  whole(): Expression {
    const expression = this.#expression();
    const { is, text, at } = this.#peek();
    if (is === "end") return expression;
    const only = this.#tokens[this.#next + 1]?.is === "end";
    return this.#stop(at, `Syntax error: ${only ? "extraneous" : "mismatched"} input '${text}' expecting <EOF>`);
  }

  #peek(ahead: number = 0): Token {
    return this.#tokens[this.#next + ahead] ?? { is: "end", text: "<EOF>", at: 0 };
  }

  #take(): Token {
    const token = this.#peek();
    if (token.is !== "end") this.#next++;
    return token;
  }

  #is(text: string): boolean {
    return isSign(this.#peek(), text);
  }

  /** The sign, when it comes next. */
  #maybe(text: string): Token | undefined {
    return this.#is(text) ? this.#take() : undefined;
  }

  #must(text: string, expected: string = `'${text}'`): Token {
    this.#skip((token) => isSign(token, text), expected);
    if (this.#is(text)) return this.#take();
    const token = this.#peek();
    const { text: found, at, is } = token;
    const missing = `Syntax error: missing '${text}' at '${found}'`;
    if (text === ":" && isStart(token)) {
      this.#problems.push({ at, words: missing });
      return token;
    }
    // An expression may end behind what closes it, but not behind a colon.
    const closes = is === "end" && expected === `'${text}'` && text !== ":";
    return closes ? this.#stop(at, missing) : this.#mismatch(token, expected);
  }

  /** Leaves out one token that can't be where it is, when the next can. */
  #skip(isWanted: (token: Token) => boolean, wanted: string): void {
    const token = this.#peek();
    if (isWanted(token) || token.is === "end" || !isWanted(this.#peek(1))) return;
    const { text, at } = this.#take();
    this.#problems.push({ at, words: `Syntax error: extraneous input '${text}' expecting ${wanted}` });
  }

  /** The next is one of those that are wanted here, if need be behind one that is left out. */
  #begin(isWanted: (token: Token) => boolean, wanted: string): void {
    this.#skip(isWanted, wanted);
    if (!isWanted(this.#peek())) this.#mismatch(this.#peek(), wanted);
  }

  #mismatch({ text, at }: Token, expected: string): never {
    return this.#stop(at, `Syntax error: mismatched input '${text}' expecting ${expected}`);
  }

  #stop(at: number, words: string): never {
    this.#problems.push({ at, words });
    throw new Stop(words);
  }

  #expression(): Expression {
    if (++this.#depth > DEPTH_MAX) {
      this.#stop(this.#peek().at, `expression recursion limit exceeded: ${DEPTH_MAX}`);
    }
    const condition = this.#logical("||", () => this.#logical("&&", () => this.#relation()));
    const mark = this.#maybe("?");
    if (mark === undefined) {
      this.#depth--;
      return condition;
    }
    const yes = this.#logical("||", () => this.#logical("&&", () => this.#relation()));
    this.#must(":");
    const no = this.#expression();
    this.#depth--;
    return { is: "call", name: "_?_:_", args: [condition, yes, no], at: mark.at };
  }

  #logical(sign: "&&" | "||", part: () => Expression): Expression {
    const args = [part()];
    let at: number | undefined;
    for (let mark = this.#maybe(sign); mark !== undefined; mark = this.#maybe(sign)) {
      at ??= mark.at;
      args.push(part());
    }
    const [only] = args;
    return at === undefined && only !== undefined ? only : { is: "call", name: `_${sign}_`, args, at: at ?? 0 };
  }

  /** Operators of one rank, from the left. */
  #chain(signs: ReadonlySet<string>, part: () => Expression): Expression {
    let left = part();
    for (let count = 0; this.#isOneOf(signs); count++) {
      if (count > DEPTH_MAX * 2) this.#stop(this.#peek().at, `expression recursion limit exceeded: ${DEPTH_MAX}`);
      const { text, at } = this.#take();
      left = { is: "call", name: text === "in" ? "@in" : `_${text}_`, args: [left, part()], at };
    }
    return left;
  }

  #isOneOf(signs: ReadonlySet<string>): boolean {
    const { is, text } = this.#peek();
    return (is === "sign" || is === "word") && signs.has(text);
  }

  #relation(): Expression {
    return this.#chain(RELATIONS, () => this.#chain(SUMS, () => this.#chain(PRODUCTS, () => this.#unary())));
  }

  #unary(): Expression {
    this.#skip(isStart, STARTS);
    const { text, at, is } = this.#peek();
    if (is !== "sign" || (text !== "!" && text !== "-")) return this.#member();
    const next = this.#peek(1);
    if (text === "-" && (next.is === "int" || next.is === "float")) return this.#member();
    let count = 0;
    for (; this.#maybe(text) !== undefined; count++);
    this.#operand(text);
    const inner = this.#member();
    return count % 2 === 0 ? inner : { is: "call", name: `${text}_`, args: [inner], at };
  }

  /** What the end of the text is told as where an operand is wanted. */
  #operand(sign: "!" | "-"): void {
    const { is, text, at } = this.#peek();
    if (is !== "end") return;
    if (sign === "!") this.#stop(at, `Syntax error: extraneous input '${text}' expecting ${STARTS}`);
    this.#problems.push({ at, words: `Syntax error: no viable alternative at input '${sign}'` });
  }

  #member(): Expression {
    let value = this.#primary();
    for (let count = 0; ; count++) {
      if (count > DEPTH_MAX * 2) this.#stop(this.#peek().at, `expression recursion limit exceeded: ${DEPTH_MAX}`);
      const dot = this.#maybe(".");
      if (dot !== undefined) value = this.#selection(value, dot.at);
      else if (this.#is("[")) value = this.#index(value);
      else return value;
    }
  }

  #selection(from: Expression, at: number): Expression {
    const optional = this.#maybe("?") !== undefined;
    const field = this.#fieldName(optional);
    if (field === undefined) return from;
    const open = optional || field.is === "escaped" ? undefined : this.#maybe("(");
    if (open === undefined) {
      const name = field.is === "escaped" ? field.text.slice(1, -1) : field.text;
      return { is: "select", from, field: name, test: false, optional, at };
    }
    const args = this.#args();
    return this.#expanded({ is: "call", name: field.text, target: from, args, at: open.at });
  }

  /** undefined: there is none, but what follows can be read without it. */
  #fieldName(optional: boolean): Token | undefined {
    const next = this.#peek();
    const { is, text, at } = next;
    if (is === "identifier" || is === "escaped") return this.#take();
    if (optional) {
      this.#problems.push({
        at,
        words: `Syntax error: mismatched input '${text}' expecting {IDENTIFIER, ESC_IDENTIFIER}`,
      });
      this.#problems.push({ at, words: "unsupported ident kind" });
    } else if (is === "word" && text !== "in") return this.#mismatch(next, "IDENTIFIER");
    else this.#problems.push({ at, words: noViable(next) });
    this.#maybe(".");
    if (this.#is("in")) return undefined;
    throw new Stop(text);
  }

  #name(): Token {
    const next = this.#peek();
    return next.is === "identifier" || next.is === "escaped" ? this.#take() : this.#noField(next);
  }

  #noField(token: Token): never {
    return this.#stop(token.at, noViable(token));
  }

  #index(from: Expression): Expression {
    const { at } = this.#take();
    this.#begin(isStartOfIndex, STARTS_OF_INDEX);
    const optional = this.#maybe("?") !== undefined;
    const index = this.#expression();
    this.#must("]");
    return { is: "call", name: optional ? "_[?_]" : "_[_]", args: [from, index], at };
  }

  #primary(): Expression {
    const token = this.#peek();
    const { is, text, at } = token;
    if (is === "sign" && text === "(") {
      this.#take();
      const inner = this.#expression();
      this.#must(")");
      return inner;
    }
    if (is === "sign" && text === "[") {
      this.#take();
      return { is: "list", items: this.#list("]", () => this.#item()), at };
    }
    if (is === "sign" && text === "{") {
      this.#take();
      return { is: "map", entries: this.#list("}", () => this.#entry()), at };
    }
    if (is === "identifier" || (is === "sign" && text === ".")) return this.#named();
    if (is === "sign" && text !== "-") return this.#unexpected(token);
    if (is === "end" || is === "escaped" || text === "in") return this.#unexpected(token);
    return { is: "literal", value: this.#literal(), at };
  }

  #unexpected(token: Token): never {
    return this.#mismatch(token, STARTS);
  }

  /** A name, a call of a function, or a struct. */
  #named(): Expression {
    const leading = this.#maybe(".");
    const name = this.#peek();
    if (name.is !== "identifier") return this.#noField(name);
    if (this.#isStruct()) return this.#struct(leading === undefined ? "" : ".");
    this.#take();
    if (RESERVED.has(name.text)) this.#problems.push({ at: name.at, words: `reserved identifier: ${name.text}` });
    const open = this.#maybe("(");
    if (open === undefined) return { is: "identifier", name: name.text, at: name.at };
    const args = this.#args();
    return this.#expanded({ is: "call", name: name.text, args, at: open.at });
  }

  /** Whether names with dots between them are followed by a brace. */
  #isStruct(): boolean {
    let ahead = 0;
    while (this.#peek(ahead + 1).text === "." && this.#peek(ahead + 2).is === "identifier") ahead += 2;
    const after = this.#peek(ahead + 1);
    return after.is === "sign" && after.text === "{";
  }

  #struct(start: string): Expression {
    let name = start + this.#take().text;
    while (this.#maybe(".") !== undefined) name += `.${this.#take().text}`;
    const { at } = this.#take();
    this.#begin(isStartOfField, STARTS_OF_FIELD);
    return { is: "struct", name, fields: this.#list("}", () => this.#field()), at };
  }

  #expanded(call: Expression & { readonly is: "call" }): Expression {
    const { expression, problem } = expandMacro(call, this.#macros);
    if (problem !== undefined) this.#problems.push(problem);
    return expression ?? call;
  }

  /** What stands between commas, up to the sign that ends it. */
  #args(): readonly Expression[] {
    this.#begin(isStartOrEnd, STARTS_OR_END);
    const found: Expression[] = [];
    if (this.#maybe(")") !== undefined) return found;
    do found.push(this.#expression());
    while (this.#maybe(",") !== undefined);
    this.#must(")");
    return found;
  }

  /** The same of a literal, which may have a comma behind the last, or one alone. */
  #list<T>(end: "]" | "}", one: () => T): readonly T[] {
    const found: T[] = [];
    while (this.#isItem() || (found.length === 0 && !this.#is(end) && !this.#is(","))) {
      found.push(one());
      if (this.#maybe(",") !== undefined) continue;
      this.#must(end, `{'${end}', ','}`);
      return found;
    }
    if (found.length === 0) this.#maybe(",");
    this.#must(end);
    return found;
  }

  #isItem(): boolean {
    const token = this.#peek();
    return isStart(token) || token.is === "escaped" || this.#is("?");
  }

  #item(): ListItem {
    const optional = this.#maybe("?") !== undefined;
    return { value: this.#expression(), optional };
  }

  #entry(): MapEntry {
    const optional = this.#maybe("?") !== undefined;
    const key = this.#expression();
    this.#must(":");
    return { key, value: this.#expression(), optional };
  }

  #field(): StructField {
    const optional = this.#maybe("?") !== undefined;
    const { text, is } = this.#name();
    const { at } = this.#must(":");
    return { name: is === "escaped" ? text.slice(1, -1) : text, value: this.#expression(), optional, at };
  }

  #literal(): Literal {
    const sign = this.#maybe("-");
    const { is, text, at } = this.#take();
    switch (is) {
      case "int": {
        const value = BigInt(text) * (sign === undefined ? 1n : -1n);
        if (value >= INT_MAX || value < -INT_MAX)
          this.#problems.push({ at: sign?.at ?? at, words: "invalid int literal" });
        return { type: "int", value };
      }
      case "uint": {
        const value = BigInt(text.slice(0, -1));
        if (value >= 2n * INT_MAX) this.#problems.push({ at, words: "invalid uint literal" });
        return { type: "uint", value: new CelUint(value) };
      }
      case "float":
        return { type: "double", value: Number(text) * (sign === undefined ? 1 : -1) };
      case "string":
        return { type: "string", value: stringOf(text) };
      case "bytes":
        return { type: "bytes", value: bytesOf(text) };
      case "word":
        return text === "null" ? { type: "null", value: null } : { type: "bool", value: text === "true" };
      case "end":
      case "escaped":
      case "identifier":
      case "sign":
        return this.#unexpected({ is, text, at });
    }
  }
}
